// Uses a client that was generated from /openapi.json: keys, registers, sets, logs, lists and problems.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
)

const bytesType = "application/octet-stream"

func main() {
	client, err := NewClientWithResponses(os.Args[1])
	check("a client", err, err == nil)
	ctx := context.Background()

	status, err := client.ReadStatusWithResponse(ctx)
	check("status", err, err == nil && status.JSON200.Ready)
	name := "one"
	params := &PutKeyParams{IdempotencyKey: &name}
	put, err := client.PutKeyWithBodyWithResponse(ctx, "go/a b", params, bytesType, bytes.NewReader([]byte("value")))
	check("a put", err, err == nil && put.JSON201 != nil && put.JSON201.Size == 5)
	got, err := client.GetKeyWithResponse(ctx, "go/a b", &GetKeyParams{})
	check("a get", err, err == nil && string(got.Body) == "value")
	taken, err := client.PutKeyWithBodyWithResponse(ctx, "go/a b", &PutKeyParams{}, bytesType, bytes.NewReader([]byte("other")))
	check("a refusal", err, err == nil && taken.ApplicationproblemJSON409 != nil)
	prefix := "go/"
	listed, err := client.ListKeysWithResponse(ctx, &ListKeysParams{Prefix: &prefix})
	check("a list", err, err == nil && len(listed.JSON200.Keys) == 1 && listed.JSON200.Keys[0].Key == "go/a b")
	text, bytes64 := "x", "/w=="
	body := Puts{}
	check("a body", json.Unmarshal([]byte(`{"puts":[{"key":"go-many/a"},{"key":"go-many/b"}]}`), &body), true)
	body.Puts[0].Value, body.Puts[1].ValueBase64 = &text, &bytes64
	many, err := client.PutKeysWithResponse(ctx, &PutKeysParams{}, body)
	check("many puts", err, err == nil && len(many.JSON200.Puts) == 2 && many.JSON200.Puts[1].Status == 201)
	manyPrefix, isOn := "go-many/", true
	values, err := client.ListKeysWithResponse(ctx, &ListKeysParams{Prefix: &manyPrefix, Values: &isOn})
	check("values", err, err == nil && *values.JSON200.Keys[0].Value == "x")
	counted, err := client.ListKeysWithResponse(ctx, &ListKeysParams{Prefix: &manyPrefix, Count: &isOn})
	check("a count", err, err == nil && *counted.JSON200.Count == 2)
	logs, err := client.ListLogsWithResponse(ctx)
	check("logs", err, err == nil && len(logs.JSON200.Logs) == 1 && logs.JSON200.Logs[0].Name == "kv")
	logStatus, err := client.ReadLogStatusWithResponse(ctx, "kv")
	check("a log", err, err == nil && logStatus.JSON200 != nil)
	written, err := client.PutRegisterWithBodyWithResponse(ctx, "go", &PutRegisterParams{}, bytesType, bytes.NewReader([]byte("1")))
	check("a register", err, err == nil && written.JSON201 != nil && written.JSON201.Version == 1)
	inserted, err := client.InsertElementsWithResponse(ctx, "go", &InsertElementsParams{}, []interface{}{"a", 1})
	check("an insert", err, err == nil && inserted.StatusCode() == 200)
	fmt.Println("go: all as it should be")
}

func check(what string, err error, isSo bool) {
	if !isSo {
		fmt.Fprintln(os.Stderr, "go:", what, "is not as it should be:", err)
		os.Exit(1)
	}
}
