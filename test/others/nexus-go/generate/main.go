// Makes Go of the messages of Nexus, as their page has them: generate PROTOS OUT.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	gengo "google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	source := protocompile.SourceResolver{ImportPaths: []string{os.Args[1]}}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&source)}
	names := []string{"models.proto", "nexus.proto"}
	files, err := compiler.Compile(context.Background(), names...)
	assert(err)
	described := []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(emptypb.File_google_protobuf_empty_proto)}
	for _, file := range files {
		described = append(described, protodesc.ToFileDescriptorProto(file))
	}
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("Mmodels.proto=client/nexus,Mnexus.proto=client/nexus"),
		ProtoFile:      described,
	})
	assert(err)
	for _, file := range plugin.Files {
		if file.Generate {
			gengo.GenerateFile(plugin, file)
		}
	}
	for _, file := range plugin.Response().File {
		path := filepath.Join(os.Args[2], filepath.Base(file.GetName()))
		assert(os.MkdirAll(filepath.Dir(path), 0o755))
		assert(os.WriteFile(path, []byte(file.GetContent()), 0o644))
	}
}

func assert(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
