// Reads PromQL as Prometheus does. `promql rules FILE` checks a file of alerting rules; `promql
// expressions` takes a JSON array of expressions on standard input and answers with a JSON array of
// what each one reads: names of series, and all labels that it matches, groups or joins by.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// Read is what one expression asks for.
type Read struct {
	Error  string              `json:"error"`
	Series map[string][]string `json:"series"`
	Labels []string            `json:"labels"`
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "rules":
		rules(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == "expressions":
		expressions()
	default:
		fail("usage: promql rules FILE | promql expressions")
	}
}

func rules(path string) {
	_, errs := rulefmt.ParseFile(path, false, model.UTF8Validation, parser.NewParser(parser.Options{}), nil)
	for _, err := range errs {
		fmt.Fprintln(os.Stderr, err)
	}
	if len(errs) > 0 {
		os.Exit(1)
	}
}

func expressions() {
	var given []string
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fail("standard input is no JSON array of texts: " + err.Error())
	}
	read := make([]Read, 0, len(given))
	for _, text := range given {
		read = append(read, inspect(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(read); err != nil {
		fail(err.Error())
	}
}

func inspect(text string) Read {
	read := Read{Series: map[string][]string{}, Labels: []string{}}
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		read.Error = err.Error()
		return read
	}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			matched := []string{}
			for _, matcher := range n.LabelMatchers {
				if matcher.Name != labels.MetricName {
					matched = append(matched, matcher.Name)
				}
			}
			read.Series[n.Name] = append(read.Series[n.Name], matched...)
		case *parser.AggregateExpr:
			read.Labels = append(read.Labels, n.Grouping...)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				read.Labels = append(read.Labels, n.VectorMatching.MatchingLabels...)
				read.Labels = append(read.Labels, n.VectorMatching.Include...)
			}
		}
		return nil
	})
	return read
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}
