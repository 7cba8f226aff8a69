package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mayImport is the house: which rooms of ours each room may enter. A package
// that is not here is a new room, and has to be given its place.
var mayImport = map[string][]string{
	"internal/sketch":   {},
	"internal/record":   {"internal/sketch"},
	"internal/wire":     {"internal/record", "internal/sketch"},
	"internal/sock":     {},
	"internal/netloop":  {"internal/sock"},
	"internal/upstream": {"internal/http1", "internal/sock", "internal/netloop"},
	"internal/stats":    {"internal/record", "internal/sketch"},
	"internal/results":  {"internal/stats", "internal/record", "internal/sketch"},
	"internal/export":   {"internal/results", "internal/stats", "internal/record", "internal/sketch"},
	"internal/report":   {"internal/results", "internal/stats", "internal/record", "internal/sketch"},
	"internal/sim":      {},
	"internal/http1":    {},
	"proxy/exchange":    {"internal/record", "internal/wire", "internal/http1"},
	"proxy":             {"internal/record", "internal/wire", "internal/upstream", "internal/sock", "internal/netloop", "proxy/exchange"},
	"otel":              {"internal/record", "internal/sketch"},
	"loadgen/dataset":   {},
	"loadgen/trace":     {},
	"loadgen/tokenizer": {},
	"loadgen/prompt":    {"loadgen/tokenizer"},
	"loadgen/body":      {"loadgen/prompt"},
	"loadgen/engine":    {"internal/results", "internal/record", "internal/upstream"},
	"loadgen":           {"internal/record", "internal/wire", "internal/upstream", "internal/netloop", "internal/stats", "internal/sketch", "internal/results", "loadgen/dataset", "loadgen/prompt", "loadgen/body", "loadgen/engine", "loadgen/trace"},
	"cmd/tokenomics":    {"*"},
	"loadgen/hop":       {"internal/record", "internal/results"},
	// What a simulator knows is the truth that our figures are held against.
	"loadgen/calibration": {"internal/record", "internal/stats", "internal/results", "internal/sketch", "internal/sim"},
	// Programs of the end-to-end checks stand outside the house.
	"scripts":             {},
	"scripts/bench":       {},
	"scripts/e2e/capture": {},
	"scripts/e2e/check":   {},
	"scripts/e2e/hub":     {},
	"scripts/reliability": {},
}

// onlyIn are libraries with one room each, and why.
var onlyIn = []struct {
	prefix string
	rooms  []string
	why    string
}{
	{"go.opentelemetry.io/", []string{"otel"}, "the rest of the house knows Records, not OpenTelemetry"},
	{"github.com/prometheus/client_golang/", []string{"otel"}, "Prometheus is one of otel's readers"},
	{"github.com/prometheus/", []string{"otel", "loadgen/engine"}, "otel writes its text, and loadgen/engine reads what engines write"},
	{"github.com/parquet-go/", []string{"loadgen/dataset"}, "datasets are one room's business"},
	{"github.com/dlclark/", []string{"loadgen/tokenizer"}, "patterns that Go's own regexp refuses are tokenizers' alone"},
	{"github.com/clipperhouse/", []string{"loadgen/tokenizer"}, "characters that belong together are tokenizers' alone"},
	{"github.com/spf13/", []string{"cmd/tokenomics"}, "every word on the terminal lives in cmd"},
	{"github.com/schollz/", []string{"cmd/tokenomics"}, "every word on the terminal lives in cmd"},
	{"gonum.org/v1/plot", []string{"internal/report"}, "charts are drawn where reports are made"},
	{"github.com/DataDog/", []string{"internal/sketch"}, "sketch is over the library, so that it can be changed"},
	{"gonum.org/v1/gonum/", []string{"internal/stats", "loadgen", "internal/export"}, "statistics are judged in stats, drawn from in loadgen, and told as other tools do in export"},
	{"github.com/tidwall/", []string{"internal/wire", "internal/upstream", "internal/sim", "loadgen", "loadgen/dataset", "loadgen/body", "cmd/tokenomics", "scripts/e2e/check"}, "wire JSON is read where it is on the wire"},
}

// mustNotReach are what the light rooms must not drag in, however indirectly.
var mustNotReach = map[string][]string{
	"tokenomics/proxy": {"go.opentelemetry.io/", "github.com/spf13/", "github.com/parquet-go/", "github.com/schollz/", "tokenomics/loadgen", "tokenomics/otel"},
	"tokenomics/otel":  {"github.com/spf13/", "github.com/parquet-go/", "github.com/schollz/", "github.com/valyala/", "tokenomics/proxy", "tokenomics/loadgen"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Doc        string
	Dir        string
	GoFiles    []string
}

// packages lists the module's packages.
func packages(t *testing.T) (list []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,Doc,Dir,GoFiles", "tokenomics/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, "tokenomics/")
		allowed, known := mayImport[room]
		if !known {
			t.Errorf("%s is a room without a place in the house: add it to mayImport", room)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, "tokenomics/"); ok && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s, which is not its way", room, ours)
			}
			for _, lib := range onlyIn {
				if strings.HasPrefix(imported, lib.prefix) && !slices.Contains(lib.rooms, room) {
					t.Errorf("%s imports %s: %s", room, imported, lib.why)
				}
			}
		}
		for _, banned := range mustNotReach[p.ImportPath] {
			for _, dep := range p.Deps {
				if strings.HasPrefix(dep, banned) {
					t.Errorf("%s reaches %s", room, dep)
				}
			}
		}
	}
}

// TestEveryPackageSaysWhatItIs: one package comment each.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		comments := 0
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				comments++
			}
		}
		if comments != 1 && len(p.GoFiles) > 0 {
			t.Errorf("%s has %d package comments, want 1", p.ImportPath, comments)
		}
	}
}

var clock = regexp.MustCompile(`time\.(Now|Since|Until|Sleep|After|AfterFunc|Tick|NewTicker|NewTimer)\(`)

// TestTimeIsAnArgument: no clock inside the rooms that compute.
func TestTimeIsAnArgument(t *testing.T) {
	for _, room := range []string{"internal/wire", "internal/stats", "internal/record"} {
		err := filepath.WalkDir(filepath.Join("..", "..", filepath.FromSlash(room)), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if found := clock.Find(source); found != nil {
				t.Errorf("%s has a clock: %s", path, found)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
