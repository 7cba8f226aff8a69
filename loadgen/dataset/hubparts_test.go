package dataset

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// hubOf is a stand-in that has one repository: files by revision and path.
func hubOf(t *testing.T, repo string, revisions map[string]map[string]string) *standIn {
	t.Helper()
	routes := map[string]http.HandlerFunc{}
	for revision, files := range revisions {
		type sibling struct {
			Name string `json:"rfilename"`
		}
		list := []sibling{{".gitattributes"}, {"README.md"}}
		for name, content := range files {
			list = append(list, sibling{name})
			routes["/datasets/"+repo+"/resolve/sha-of-"+revision+"/"+name] = says(content)
		}
		raw, err := json.Marshal(map[string]any{"id": repo, "sha": "sha-of-" + revision, "siblings": list})
		if err != nil {
			t.Fatal(err)
		}
		routes["/api/datasets/"+repo+"/revision/"+revision] = says(string(raw))
	}
	return newStandIn(t, routes)
}

// Each key finds its rows in a repository laid out as the real one is.
func TestHubKeys(t *testing.T) {
	type row struct {
		Question string    `parquet:"question,optional"`
		Prompt   string    `parquet:"prompt,optional"`
		Turns    []message `parquet:"turns,list"`
		Image    *hubImage `parquet:"image,optional"`
	}
	question := parquetOf(t, row{Question: "q", Image: &hubImage{Bytes: pngOf(t, 1), Path: "1.png"}})
	prompt := parquetOf(t, row{Prompt: "q"})
	wrong := parquetOf(t, row{Question: "wrong", Prompt: "wrong"})
	talk := `{"question_id":81,"category":"writing","prompt":["wrong"]}` + "\n"
	for _, tc := range []struct {
		key, repo string
		files     map[string]string
		turns     int
		images    int
	}{
		{"aime", "gneubig/aime-1983-2024", map[string]string{"AIME_Dataset_1983_2024.csv": "ID,Question\n1,q\n"}, 0, 0},
		{"aime25", "math-ai/aime25", map[string]string{"test.jsonl": `{"problem":"q","answer":"70","id":"0"}`}, 0, 0},
		{"gsm8k", "openai/gsm8k", map[string]string{"main/test-00000-of-00001.parquet": question, "main/train-00000-of-00001.parquet": wrong,
			"socratic/test-00000-of-00001.parquet": wrong, "socratic/train-00000-of-00001.parquet": wrong}, 0, 0},
		{"math500", "HuggingFaceH4/MATH-500", map[string]string{"test.jsonl": `{"problem":"q","solution":"s","answer":"a"}`}, 0, 0},
		{"mbpp", "google-research-datasets/mbpp", map[string]string{"full/test-00000-of-00001.parquet": wrong,
			"sanitized/test-00000-of-00001.parquet": prompt, "sanitized/prompt-00000-of-00001.parquet": wrong}, 0, 0},
		{"humaneval", "openai/openai_humaneval", map[string]string{"openai_humaneval/test-00000-of-00001.parquet": prompt}, 0, 0},
		{"lcb", "livecodebench/code_generation_lite", map[string]string{"test.jsonl": `{"question_title":"t","question_content":"q"}`,
			"test2.jsonl": `{"question_content":"wrong"}`, "code_generation_lite.py": "x"}, 0, 0},
		{"mtbench", "HuggingFaceH4/mt_bench_prompts", map[string]string{"raw/question.jsonl": talk,
			"data/train-00000-of-00001-0f1.parquet": parquetOf(t, struct {
				Prompt []string `parquet:"prompt,list"`
			}{[]string{"q", "and then"}})}, 2, 0},
		{"alpaca", "tatsu-lab/alpaca_eval", map[string]string{"alpaca_eval.json": `[{"instruction":"q","output":"o"}]`,
			"alpaca_eval_gpt4_baseline.json": `[{"instruction":"wrong"}]`, "df_gamed.csv": "instruction\nwrong\n"}, 0, 0},
		{"arena-hard", "lmarena-ai/arena-hard-auto-v0.1", map[string]string{
			"data/train-00000-of-00001.parquet": parquetOf(t, row{Turns: []message{{Content: ptr("q")}}})}, 0, 0},
		{"sharegpt", "anon8231489123/ShareGPT_Vicuna_unfiltered", map[string]string{
			"ShareGPT_V3_unfiltered_cleaned_split.json":            `[{"id":"1","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}]`,
			"ShareGPT_V3_unfiltered_cleaned_split_no_imsorry.json": `[{"conversations":[{"from":"human","value":"wrong"}]}]`}, 2, 0},
		{"chartqa", "lmms-lab/ChartQA", map[string]string{"data/test-00000-of-00001-e2c.parquet": question}, 0, 1},
		{"docvqa", "lmms-lab/DocVQA", map[string]string{"DocVQA/validation-00000-of-00002.parquet": question, "DocVQA/test-00000-of-00001.parquet": wrong,
			"InfographicVQA/validation-00000-of-00001.parquet": wrong}, 0, 1},
		{"vqa-rad", "flaviagiammarino/vqa-rad", map[string]string{"data/test-00000-of-00001-e58.parquet": question, "data/train-00000-of-00001-eb8.parquet": wrong}, 0, 1},
	} {
		t.Run(tc.key, func(t *testing.T) {
			s := hubOf(t, tc.repo, map[string]map[string]string{"main": tc.files})
			cfg := aimeConfig(t, s)
			cfg.Key = tc.key
			d, err := Open(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			p := d.At(0)
			if d.Len() != 1 || d.Name() != tc.key || p.Text != "q" || len(p.Turns) != tc.turns || len(p.Images) != tc.images {
				t.Errorf("%d prompts of %q, the first %+v", d.Len(), d.Name(), p)
			}
		})
	}
	if len(Keys()) != 16 {
		t.Errorf("the keys are %q: is each of the hub's in this test", Keys())
	}
}

// Any dataset of the hub: its parts are chosen by name, and what is chosen
// wrongly is wrong use.
func TestHubAny(t *testing.T) {
	files := map[string]string{
		"en/train-00000-of-00001.parquet": parquetOf(t, imageRow{Question: "en train", Link: "l1"}, imageRow{Question: "en train 2", Link: "l2"}),
		"en/test-00000-of-00001.parquet":  parquetOf(t, imageRow{Question: "en test", Link: "l1"}),
		"de/train-00000-of-00001.parquet": parquetOf(t, imageRow{Question: "de train", Link: "l1"}),
	}
	const repo = "some/thing"
	for _, tc := range []struct {
		name string
		cfg  Config
		want []string // texts, or parts of an error
		kind error
	}{
		{"subset, split, a guessed column", Config{HFSubset: "en", HFSplit: "test"}, []string{"en test"}, nil},
		{"train is the split of choice", Config{HFSubset: "de"}, []string{"de train"}, nil},
		{"a column", Config{HFSubset: "en", PromptColumn: "link"}, []string{"l1", "l2"}, nil},
		{"the first rows of a split", Config{HFSubset: "en", HFSplit: "train[:1]"}, []string{"en train"}, nil},
		{"no subset", Config{HFSplit: "train"}, []string{`"de", "en"`, "--hf-subset"}, ErrConfig},
		{"no such subset", Config{HFSubset: "fr"}, []string{`"fr"`, "--hf-subset"}, ErrConfig},
		{"no such split", Config{HFSubset: "en", HFSplit: "dev"}, []string{`"dev"`, "--hf-split"}, ErrConfig},
		{"no such column", Config{HFSubset: "en", ImageColumn: "photo"}, []string{`"photo"`}, ErrConfig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := hubOf(t, repo, map[string]map[string]string{"main": files})
			cfg := tc.cfg
			cfg.HFPath, cfg.HFEndpoint, cfg.CacheDir, cfg.HTTPClient = repo, s.URL, t.TempDir(), s.Client()
			d, err := Open(context.Background(), cfg)
			if tc.kind != nil {
				checkError(t, err, tc.kind, append(tc.want, repo, s.URL)...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(d); strings.Join(got, "|") != strings.Join(tc.want, "|") || d.Name() != repo {
				t.Errorf("%q has %q, want %q", d.Name(), got, tc.want)
			}
			if !strings.Contains(d.Source(), "subset "+tc.cfg.HFSubset) {
				t.Errorf("source %q", d.Source())
			}
		})
	}
	t.Run("a key's split", func(t *testing.T) {
		s := hubOf(t, "openai/gsm8k", map[string]map[string]string{"main": {"main/train-00000-of-00001.parquet": files["de/train-00000-of-00001.parquet"]}})
		cfg := aimeConfig(t, s)
		cfg.Key, cfg.HFSplit = "gsm8k", "train"
		if d, err := Open(context.Background(), cfg); err != nil || d.At(0).Text != "de train" {
			t.Errorf("error %v", err)
		}
	})
}

// A repository of files that are not read is read in the hub's own parquet
// copy of it, and from the cache then.
func TestHubParquetCopy(t *testing.T) {
	const repo = "some/thing"
	s := hubOf(t, repo, map[string]map[string]string{
		"main":                 {"data.tar.gz": "x", "thing.py": "x"},
		"refs/convert/parquet": {"default/train/0000.parquet": parquetOf(t, imageRow{Question: "q"}), "default/test/0000.parquet": "x"},
	})
	// A revision of several words is one element of the address.
	s.Config.Handler = checkEscape(t, s.Config.Handler)
	cfg := Config{HFPath: repo, HFEndpoint: s.URL, CacheDir: t.TempDir(), HTTPClient: s.Client()}
	for _, offline := range []bool{false, true} {
		cfg.Offline = offline
		d, err := Open(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != 1 || d.At(0).Text != "q" {
			t.Errorf("prompts %q", texts(d))
		}
	}
	if n := len(s.requests()); n != 3 {
		t.Errorf("%d requests, want 3: %v", n, s.requests())
	}
}

func checkEscape(t *testing.T, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.EscapedPath(), "refs/") {
			t.Errorf("asked for %s", r.URL.EscapedPath())
		}
		next.ServeHTTP(w, r)
	})
}
