package dataset

import (
	"errors"
	"reflect"
	"testing"
)

func TestSelectFiles(t *testing.T) {
	train := hubSource{split: "train"}
	gsm8k := []string{"main/test-00000-of-00001.parquet", "main/train-00000-of-00001.parquet",
		"socratic/test-00000-of-00001.parquet", "socratic/train-00000-of-00001.parquet"}
	ultrachat := []string{"data/test_gen-00000-of-00001.parquet", "data/test_sft-00000-of-00001.parquet", "data/train_sft-00000-of-00001.parquet"}
	for _, tc := range []struct {
		name  string
		src   hubSource
		files []string
		want  []string // nil: an error
	}{
		{"one csv among papers", train, []string{".gitattributes", "README.md", "AIME_Dataset_1983_2024.csv"}, []string{"AIME_Dataset_1983_2024.csv"}},
		{"parquet before csv before jsonl", train, []string{"a.jsonl", "a.csv", "a.parquet"}, []string{"a.parquet"}},
		{"csv before json", train, []string{"a.json", "a.csv"}, []string{"a.csv"}},
		{"the split's shards, in order", train, []string{"data/test-0.parquet", "data/train-00001.parquet", "data/train-00000.parquet"},
			[]string{"data/train-00000.parquet", "data/train-00001.parquet"}},
		{"the split in a folder's name", train, []string{"test/0.csv", "train/0.csv"}, []string{"train/0.csv"}},
		{"a split's name inside a word is none", train, []string{"training.csv", "test.csv"}, []string{"training.csv"}},
		{"the split's csv before another's parquet", train, []string{"test.parquet", "train.csv"}, []string{"train.csv"}},
		{"metadata is no data", train, []string{"dataset_infos.json", ".hidden/a.csv", "q.json"}, []string{"q.json"}},
		{"paths that leave the cache are not touched", train, []string{"../a.csv", "/etc/a.csv", "a\\b.csv", "c:a.csv"}, nil},
		{"other splits only", train, []string{"test.csv", "README.md"}, nil},
		{"nothing", train, nil, nil},
		{"a split other than train has to be named", hubSource{split: "test"}, []string{"data.csv"}, nil},
		{"a split of two words", hubSource{split: "test_sft"}, ultrachat, []string{"data/test_sft-00000-of-00001.parquet"}},
		{"the split itself before one that has its word", hubSource{split: "test"}, append(ultrachat, "data/test-00000-of-00001.parquet"),
			[]string{"data/test-00000-of-00001.parquet"}},
		{"a split called like its file", hubSource{split: "a.csv"}, []string{"a.csv"}, []string{"a.csv"}},
		{"no split asked for: train", hubSource{}, []string{"test.csv", "train.csv"}, []string{"train.csv"}},
		{"no split asked for: what is there", hubSource{}, []string{"data/validation-00000-of-00001.parquet"}, []string{"data/validation-00000-of-00001.parquet"}},
		{"a subset", hubSource{subset: "main", split: "test"}, gsm8k, gsm8k[:1]},
		{"a subset in the file's name", hubSource{subset: "hard"}, []string{"easy-train.csv", "hard-train.csv", "hardly.csv"}, []string{"hard-train.csv"}},
		{"a subset called like its file", hubSource{subset: "a.csv"}, []string{"a.csv"}, nil},
		{"the hub's name for no subset", hubSource{subset: "default"}, []string{"train.csv"}, []string{"train.csv"}},
		{"a subset that is not there", hubSource{subset: "other", split: "test"}, gsm8k, nil},
		{"named files", hubSource{files: []string{"b.json", "a.json"}}, []string{"a.json", "b.json", "train.parquet"}, []string{"b.json", "a.json"}},
		{"a named file that is not there", hubSource{files: []string{"c.json"}}, []string{"a.json"}, nil},
		{"a named file outside", hubSource{files: []string{"../c.json"}}, []string{"../c.json"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := selectFiles(tc.files, tc.src)
			if !reflect.DeepEqual(got, tc.want) || errors.Is(err, errNoFiles) != (tc.want == nil) {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
	t.Run("two subsets and none named", func(t *testing.T) {
		_, err := selectFiles(gsm8k, hubSource{split: "test"})
		checkError(t, err, ErrConfig, "--hf-subset", `"main", "socratic"`)
	})
}
