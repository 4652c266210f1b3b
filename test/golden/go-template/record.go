// Writes results.json: what Go's text/template prints for the templates of templates.json, over the object there, with
// the functions and the numbers of kubectl's printer (cli-runtime). Run it here: go run record.go
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"reflect"
	"text/template"
)

type cases struct {
	Object    json.RawMessage `json:"object"`
	Templates []string        `json:"templates"`
}

// Integers are int64, other numbers float64, as k8s.io/apimachinery/pkg/util/json reads them.
func typed(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = typed(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = typed(v[k])
		}
	}
	return value
}

func decode(text string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	return string(data), err
}

func exists(item any, keys ...any) bool {
	v := reflect.ValueOf(item)
	for _, key := range keys {
		for v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		switch v.Kind() {
		case reflect.Map:
			name, ok := key.(string)
			if !ok {
				return false
			}
			v = v.MapIndex(reflect.ValueOf(name))
		case reflect.Slice:
			at, ok := key.(int)
			if !ok || at < 0 || at >= v.Len() {
				return false
			}
			v = v.Index(at)
		default:
			return false
		}
		if !v.IsValid() || (v.Kind() == reflect.Interface && v.IsNil()) {
			return false
		}
	}
	return true
}

func run(text string, object any, option string) (printed string, err error) {
	funcs := template.FuncMap{"exists": exists, "base64decode": decode}
	parsed, err := template.New("output").Funcs(funcs).Option(option).Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, object)
	return out.String(), err
}

func main() {
	text, err := os.ReadFile("templates.json")
	if err != nil {
		panic(err)
	}
	var all cases
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(all.Object))
	decoder.UseNumber()
	var object any
	if err := decoder.Decode(&object); err != nil {
		panic(err)
	}
	object = typed(object)
	// The text, or null where Go refuses: with missing keys allowed, and without.
	results := make([][2]*string, len(all.Templates))
	for i, one := range all.Templates {
		for j, option := range []string{"missingkey=default", "missingkey=error"} {
			if printed, err := run(one, object, option); err == nil {
				results[i][j] = &printed
			}
		}
	}
	out := &bytes.Buffer{}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(results); err != nil {
		panic(err)
	}
	if err := os.WriteFile("results.json", out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
