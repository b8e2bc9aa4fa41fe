// Says of each list of a history whether it is linearizable, by porcupine: a file of JSON comes in by
// its name, a list of operations a list; "linearizable" or "not linearizable" goes out, a line each.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/anishathalye/porcupine"
)

// An append has an item and, unless it is in doubt, an end; a read has what it showed.
type operation struct {
	Client int      `json:"client"`
	Began  int64    `json:"began"`
	Ended  *int64   `json:"ended"`
	Item   string   `json:"item"`
	Shown  []string `json:"shown"`
	IsRead bool     `json:"isRead"`
}

func joined(items []string) string {
	text := ""
	for _, item := range items {
		text += item + ";"
	}
	return text
}

var list = porcupine.Model{
	Init: func() interface{} { return "" },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		asked := input.(operation)
		if asked.IsRead {
			return state.(string) == joined(asked.Shown), state
		}
		return true, state.(string) + asked.Item + ";"
	},
	Equal: func(a, b interface{}) bool { return a.(string) == b.(string) },
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var lists [][]operation
	if err := json.Unmarshal(text, &lists); err != nil {
		panic(err)
	}
	for _, operations := range lists {
		var history []porcupine.Operation
		for _, each := range operations {
			ended := int64(math.MaxInt64)
			if each.Ended != nil {
				ended = *each.Ended
			}
			history = append(history, porcupine.Operation{ClientId: each.Client, Input: each, Call: each.Began, Output: nil, Return: ended})
		}
		if porcupine.CheckOperations(list, history) {
			fmt.Println("linearizable")
		} else {
			fmt.Println("not linearizable")
		}
	}
}
