package dataset

import (
	"reflect"
	"testing"
)

func TestSelectFiles(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files []string
		want  []string
	}{
		{"one csv among papers", []string{".gitattributes", "README.md", "AIME_Dataset_1983_2024.csv"}, []string{"AIME_Dataset_1983_2024.csv"}},
		{"parquet before csv before jsonl", []string{"a.jsonl", "a.csv", "a.parquet"}, []string{"a.parquet"}},
		{"csv before json", []string{"a.json", "a.csv"}, []string{"a.csv"}},
		{"the split's shards, in order", []string{"data/test-0.parquet", "data/train-00001.parquet", "data/train-00000.parquet"},
			[]string{"data/train-00000.parquet", "data/train-00001.parquet"}},
		{"the split in a folder's name", []string{"test/0.csv", "train/0.csv"}, []string{"train/0.csv"}},
		{"a split's name inside a word is none", []string{"training.csv", "test.csv"}, []string{"training.csv"}},
		{"the split's csv before another's parquet", []string{"test.parquet", "train.csv"}, []string{"train.csv"}},
		{"metadata is no data", []string{"dataset_infos.json", ".hidden/a.csv", "q.json"}, []string{"q.json"}},
		{"paths that leave the cache are not touched", []string{"../a.csv", "/etc/a.csv", "a\\b.csv", "c:a.csv"}, nil},
		{"other splits only", []string{"test.csv", "README.md"}, nil},
		{"nothing", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := selectFiles(tc.files, "train")
			if !reflect.DeepEqual(got, tc.want) || (err == nil) != (tc.want != nil) {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}
