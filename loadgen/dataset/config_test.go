package dataset

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestConfigFile(t *testing.T) {
	pq := parquetOf(t, imageRow{Question: "q", Link: "l", Image: &hubImage{Bytes: pngOf(t, 1)}}, imageRow{Question: "r", Link: "m"})
	s := hubOf(t, "some/thing", map[string]map[string]string{
		"main": {"one/test-00000-of-00001.parquet": pq, "two/test-00000-of-00001.parquet": pq, "extra.json": `["from a named file"]`},
		"v1.0": {"train.csv": "question\nof a revision\n"},
	})
	aime := newStandIn(t, map[string]http.HandlerFunc{aimeListing: says(listingJSON), aimeFile: says(aimeCSV)})
	files := map[string]string{
		"data/p.txt": "one\ntwo\n", "configs/p.csv": "id,ask\n1,from csv\n", "configs/rows": `["rows"]`,
	}
	for _, tc := range []struct {
		name   string
		config string
		cfg    Config // what the user says besides
		want   []string
		images int // of the first prompt
	}{
		{"huggingface, as tokenomics' Python version has it", `{"source": {"type": "huggingface", "path": "some/thing",
			"huggingface_kwargs": {"name": "one", "split": "test", "trust_remote_code": true}},
			"prompt_column": "question", "image_column": "image", "description": "for people"}`, Config{}, []string{"q", "r"}, 1},
		{"huggingface, as genai-bench has it", `{"source": {"type": "huggingface", "path": "some/thing", "huggingface_kwargs":
			{"subset": "two", "split": "test[:1]", "streaming": false, "num_proc": 4, "cache_dir": "/x", "use_auth_token": true, "download_mode": "force_redownload"}},
			"prompt_column": "question"}`, Config{}, []string{"q"}, 0},
		{"a revision, a guessed column", `{"source": {"type": "huggingface", "path": "some/thing", "huggingface_kwargs": {"revision": "v1.0"}}}`, Config{}, []string{"of a revision"}, 0},
		{"a named file", `{"source": {"type": "huggingface", "path": "some/thing", "huggingface_kwargs": {"data_files": "extra.json"}}}`, Config{}, []string{"from a named file"}, 0},
		{"named files", `{"source": {"type": "huggingface", "path": "some/thing", "huggingface_kwargs": {"data_files": ["extra.json"], "split": "train"}}}`, Config{}, []string{"from a named file"}, 0},
		{"the user's word goes first", `{"source": {"type": "huggingface", "path": "some/thing", "huggingface_kwargs": {"name": "one", "split": "train"}},
			"prompt_column": "question"}`, Config{PromptColumn: "link", HFSplit: "test", MaxPrompts: 1}, []string{"l"}, 0},
		{"a text beside the configuration", `{"source": {"type": "file", "path": "../data/p.txt"}, "prompt_column": "text"}`, Config{}, []string{"one", "two"}, 0},
		{"a table beside the configuration", `{"source": {"type": "file", "path": "p.csv", "file_format": "csv"}, "prompt_column": "ask"}`, Config{}, []string{"from csv"}, 0},
		{"a file whose name does not say what it is", `{"source": {"type": "file", "path": "rows", "file_format": "json"}}`, Config{}, []string{"rows"}, 0},
		{"aime", `{"source": {"type": "aime"}, "prompt_column": "Question"}`, Config{}, []string{"First, of\ntwo lines?", "Second?"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files["configs/c.json"] = tc.config
			cfg := tc.cfg
			cfg.ConfigFile = filepath.Join(folder(t, files), "configs", "c.json")
			cfg.HFEndpoint, cfg.CacheDir, cfg.HTTPClient = s.URL, t.TempDir(), s.Client()
			if strings.Contains(tc.config, `"aime"`) {
				cfg.HFEndpoint = aime.URL
			}
			d, err := Open(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(d); strings.Join(got, "|") != strings.Join(tc.want, "|") {
				t.Errorf("prompts %q, want %q", got, tc.want)
			}
			if n := len(d.At(0).Images); n != tc.images {
				t.Errorf("%d images, want %d", n, tc.images)
			}
		})
	}
	t.Run("a file from the working directory", func(t *testing.T) {
		t.Chdir(folder(t, map[string]string{"p.txt": "here\n"}))
		path := writeFile(t, "c.json", `{"source": {"type": "file", "path": "p.txt"}}`)
		if d, err := Open(context.Background(), Config{ConfigFile: path}); err != nil || d.At(0).Text != "here" {
			t.Errorf("error %v", err)
		}
	})
}

func TestConfigFileErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config string
		want   []string
	}{
		{"an unknown key", `{"source": {"type": "aime"}, "prompt_colum": "x"}`, []string{`"prompt_colum"`, "not known"}},
		{"an unknown key of the source", `{"source": {"type": "aime", "url": "x"}}`, []string{`"url"`}},
		{"an unknown argument", `{"source": {"type": "huggingface", "path": "a/b", "huggingface_kwargs": {"features": {}}}}`, []string{`"features"`}},
		{"an unknown type", `{"source": {"type": "s3", "path": "x"}}`, []string{`"s3"`, "huggingface, file or aime"}},
		{"no source", `{}`, []string{"source.type", "huggingface, file or aime"}},
		{"no path", `{"source": {"type": "huggingface"}}`, []string{"source.path"}},
		{"no path on the hub", `{"source": {"type": "huggingface", "path": "a/b/c"}}`, []string{`"a/b/c"`, "OWNER/NAME"}},
		{"a revision that climbs", `{"source": {"type": "huggingface", "path": "a/b", "huggingface_kwargs": {"revision": ".."}}}`, []string{`".."`, "revision"}},
		{"two subsets", `{"source": {"type": "huggingface", "path": "a/b", "huggingface_kwargs": {"name": "x", "subset": "y"}}}`, []string{`"x"`, `"y"`}},
		{"Python code", `{"source": {"type": "custom", "loader_class": "a.B", "loader_kwargs": {}}}`, []string{"custom", "--dataset-file"}},
		{"a column by its number", `{"source": {"type": "file", "path": "p.csv", "csv_column_index": 1}}`, []string{"csv_column_index", "prompt_column"}},
		{"a kind that is not read", `{"source": {"type": "file", "path": "p.csv", "file_format": "xml"}}`, []string{`".xml"`}},
		{"a file that is not there", `{"source": {"type": "file", "path": "nowhere.csv"}}`, []string{"nowhere.csv", "no such file"}},
		{"a number for a text", `{"source": {"type": 5}}`, []string{"source.type", "number"}},
		{"no JSON", "{\n\"source\": nothing}", []string{"line 2"}},
		{"two of them", `{"source": {"type": "aime"}} {}`, []string{"after its end"}},
		{"empty", ``, []string{"bad JSON"}},
		{"prompts", strings.Repeat(" ", maxConfigBytes+1), []string{"--dataset-file"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeFile(t, "c.json", tc.config)
			_, err := Open(context.Background(), Config{ConfigFile: path})
			checkError(t, err, ErrConfig, append(tc.want, path)...)
		})
	}
	t.Run("missing", func(t *testing.T) {
		_, err := Open(context.Background(), Config{ConfigFile: "/no/such/c.json"})
		checkError(t, err, ErrConfig, "/no/such/c.json", "no such file")
	})
	t.Run("split of a file", func(t *testing.T) {
		path := writeFile(t, "c.json", `{"source": {"type": "file", "path": "p.csv"}}`)
		_, err := Open(context.Background(), Config{ConfigFile: path, HFSplit: "x"})
		checkError(t, err, ErrConfig, "--hf-split")
	})
}
