// A client of Nexus in Go, upon messages that are made of their page: client ADDRESS. It saves, loads,
// and lists the nodes, and prints what it was answered.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"client/nexus"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	assert(err)
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	call := func(method string, request, response proto.Message) {
		assert(connection.Invoke(ctx, "/nexus.api.Nexus/"+method, request, response))
	}

	saved := new(nexus.SaveResponse)
	id := map[string][]byte{"id": []byte("from-go")}
	call("Save", &nexus.SaveRequest{Data: []byte(`{"set":{"by":"go"}}`), Args: id}, saved)
	fmt.Println(saved.GetStatus().GetCode(), string(saved.GetReqData()), string(saved.GetResData()))
	loaded := new(nexus.LoadResponse)
	call("Load", &nexus.LoadRequest{Data: []byte(`{"get":["by"]}`)}, loaded)
	fmt.Println(string(loaded.GetResData()))
	replicated := new(nexus.ReplicateResponse)
	call("Replicate", &nexus.ReplicateRequest{Data: []byte(`{"add":{"go":1}}`)}, replicated)
	fmt.Println(replicated.GetCode(), replicated.GetMessage())
	listed := new(nexus.ListNodesResponse)
	call("ListNodes", new(emptypb.Empty), listed)
	leader := listed.GetNodes()[listed.GetLeader()]
	fmt.Println(leader.GetNodeId() == listed.GetLeader(), leader.GetStatus())
}

func assert(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
