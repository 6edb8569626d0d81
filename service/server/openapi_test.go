package server

import (
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"qtune/service/api"
)

// A description is what a test reads of openapi.json.
type description struct {
	Paths map[string]map[string]struct {
		Role       string `json:"x-role"`
		Parameters []struct {
			Name, In string
			Required bool
			Schema   struct{ Type string }
		}
		Responses map[string]any
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Type  string
				Ref   string `json:"$ref"`
				Items struct {
					Type string
					Ref  string `json:"$ref"`
				}
			}
			Required []string
		}
	}
}

func described(t *testing.T) (d description) {
	t.Helper()
	if err := json.Unmarshal(api.OpenAPI, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpenAPIDescribesTheHandlers(t *testing.T) {
	d := described(t)
	operations := 0
	for _, methods := range d.Paths {
		operations += len(methods)
	}
	_, s := newServer(t, nil)
	server := New(Config{Service: s, Open: true})
	if operations != len(server.table()) {
		t.Errorf("%d operations are described, there are %d", operations, len(server.table()))
	}
	for _, r := range server.table() {
		o, ok := d.Paths[r.path][strings.ToLower(r.method)]
		if !ok || o.Role != r.role.String() {
			t.Errorf("%s %s: described is %+v, the role is %v", r.method, r.path, o, r.role)
			continue
		}
		if r.method == "POST" && o.Responses["507"] == nil {
			t.Errorf("%s: that there is no room is not described", r.path)
		}
		inPath := 0
		for _, p := range o.Parameters {
			if p.In == "path" {
				inPath++
				if !strings.Contains(r.path, "{"+p.Name+"}") || !p.Required {
					t.Errorf("%s %s has no parameter %s, or it can be left out", r.method, r.path, p.Name)
				}
			}
		}
		if inPath != strings.Count(r.path, "{") {
			t.Errorf("%s %s: not all parameters of the path are described", r.method, r.path)
		}
		// A described parameter is known, and every status that comes is described.
		path := strings.NewReplacer("{id}", "9", "{hash}", strings.Repeat("0", 64)).Replace(r.path)
		ask := func(query string) int {
			req := httptest.NewRequest(r.method, path+query, nil)
			req.Host = "localhost"
			rec := httptest.NewRecorder()
			server.ServeHTTP(rec, req)
			if o.Responses[strings.TrimSpace(strings.Fields(rec.Result().Status)[0])] == nil {
				t.Errorf("%s %s%s answers %s, which is not described", r.method, r.path, query, rec.Result().Status)
			}
			if strings.Contains(rec.Body.String(), "is unknown") && !strings.Contains(query, "nope") {
				t.Errorf("%s %s%s: %s", r.method, r.path, query, rec.Body)
			}
			return rec.Code
		}
		ask("")
		for _, p := range o.Parameters {
			if p.In == "query" {
				ask("?" + p.Name + "=")
				if r.method == "GET" && ask("?"+p.Name+"=1&nope=1") != 400 {
					t.Errorf("%s %s takes parameters that are not described", r.method, r.path)
				}
			}
		}
	}
}

func TestOpenAPIDescribesTheTypes(t *testing.T) {
	d := described(t)
	types := map[string]any{
		"Error": api.Error{}, "Model": api.Model{}, "Models": api.Models{}, "Spec": api.Spec{}, "Job": api.Job{}, "Jobs": api.Jobs{},
		"Progress": api.Progress{}, "TaskProgress": api.TaskProgress{}, "Result": api.Result{}, "Latency": api.Latency{}, "TaskResult": api.TaskResult{},
		"Resumed": api.Resumed{}, "Improved": api.Improved{}, "TrialFailed": api.TrialFailed{}, "TaskEnded": api.TaskEnded{},
		"Finalist": api.Finalist{}, "Lost": api.Lost{}, "End": api.End{}, "Merged": api.Merged{}, "Worker": api.Worker{}, "Workers": api.Workers{},
	}
	if want := len(d.Components.Schemas) - 1; len(types) != want { // State is a text
		t.Errorf("%d types, %d are described", len(types), want)
	}
	kinds := map[reflect.Kind]string{
		reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer",
		reflect.Float64: "number", reflect.Bool: "boolean", reflect.Slice: "array", reflect.Map: "object",
	}
	for name, v := range types {
		schema := d.Components.Schemas[name]
		typ := reflect.TypeOf(v)
		if typ.NumField() != len(schema.Properties) {
			t.Errorf("%s has %d fields, %d are described", name, typ.NumField(), len(schema.Properties))
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			p, ok := schema.Properties[tag]
			of := f.Type
			if of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			want := kinds[of.Kind()]
			if of.Kind() == reflect.Struct && of.Name() == "Time" {
				want = "string"
			}
			ref := strings.TrimPrefix(p.Ref, "#/components/schemas/")
			if !ok || p.Type != want && ref != of.Name() {
				t.Errorf("%s.%s: described is %+v, it is %v", name, tag, p, of)
			}
			if of.Kind() == reflect.Slice && strings.TrimPrefix(p.Items.Ref, "#/components/schemas/") != of.Elem().Name() && p.Items.Type != kinds[of.Elem().Kind()] {
				t.Errorf("%s.%s: described are elements %+v, they are %v", name, tag, p.Items, of.Elem())
			}
		}
		for _, r := range schema.Required {
			if _, ok := schema.Properties[r]; !ok {
				t.Errorf("%s: %s is required, but not described", name, r)
			}
		}
	}
}
