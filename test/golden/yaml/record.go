// Writes results.json: each text of texts.json as sigs.k8s.io/yaml writes it (kubeadm's writer), as an item of a list and
// as a value of a mapping. Run it in a module with sigs.k8s.io/yaml v1.6.0: go run record.go
package main

import (
	"encoding/json"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	input, err := os.ReadFile("texts.json")
	if err != nil {
		panic(err)
	}
	var texts []string
	if err := json.Unmarshal(input, &texts); err != nil {
		panic(err)
	}
	results := make([]string, 0, len(texts))
	for _, text := range texts {
		out, err := yaml.Marshal(map[string]any{"items": []string{text}, "value": text})
		if err != nil {
			panic(err)
		}
		results = append(results, string(out))
	}
	output, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile("results.json", append(output, '\n'), 0o644); err != nil {
		panic(err)
	}
}
