module client

go 1.24

require (
	github.com/bufbuild/protocompile v0.14.1
	google.golang.org/grpc v1.76.0
	google.golang.org/protobuf v1.36.10
)
