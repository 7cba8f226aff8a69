package dataset

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxConfigBytes bounds a dataset configuration, which has a few lines.
const maxConfigBytes = 1 << 20

// configFile is a JSON dataset configuration as genai-bench has them
// (genai_bench/data/config.py of sgl-project/genai-bench) and tokenomics'
// Python version (examples/dataset_configs of tugot17/tokenomics).
type configFile struct {
	Source struct {
		Type   string     `json:"type"` // huggingface, file, aime
		Path   string     `json:"path"`
		Format string     `json:"file_format"`
		HF     configHub  `json:"huggingface_kwargs"`
		Index  *int       `json:"csv_column_index"`
		Class  *string    `json:"loader_class"`
		Args   *rawObject `json:"loader_kwargs"`
	} `json:"source"`
	PromptColumn string `json:"prompt_column"`
	ImageColumn  string `json:"image_column"`
	Description  string `json:"description"` // for people
}

// configHub are the arguments of the hub library's load_dataset. Those that
// say how it should load, and not what, are known and mean nothing here: we
// run no script of a repository, and have the cache and the token elsewhere.
type configHub struct {
	Split    string    `json:"split"`
	Name     string    `json:"name"`
	Subset   string    `json:"subset"`
	Revision string    `json:"revision"`
	Files    oneOrMany `json:"data_files"`

	TrustRemoteCode  any `json:"trust_remote_code"`
	Streaming        any `json:"streaming"`
	NumProc          any `json:"num_proc"`
	CacheDir         any `json:"cache_dir"`
	DownloadMode     any `json:"download_mode"`
	VerificationMode any `json:"verification_mode"`
	Token            any `json:"token"`
	UseAuthToken     any `json:"use_auth_token"`
}

type rawObject map[string]json.RawMessage

// oneOrMany is a list of strings that may be written as one string.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one != "" {
			*o = oneOrMany{one}
		}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

// openConfigFile loads the dataset that the configuration at cfg.ConfigFile
// describes. What cfg says besides goes before it.
func openConfigFile(ctx context.Context, cfg Config) (*Dataset, error) {
	d, err := openConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("dataset config %q: %w", cfg.ConfigFile, err)
	}
	return d, nil
}

func openConfig(ctx context.Context, cfg Config) (*Dataset, error) {
	conf, err := readConfig(cfg.ConfigFile)
	if err != nil {
		return nil, &markedError{err: err, mark: ErrConfig}
	}
	src := conf.Source
	if src.Type == "file" {
		if cfg.HFSubset != "" || cfg.HFSplit != "" {
			return nil, configErrorf("it names a file, which has no subsets or splits: leave out --hf-subset and --hf-split")
		}
		return openFile(ctx, cfg, conf.file(filepath.Dir(cfg.ConfigFile)))
	}
	if src.Type == "aime" {
		aime, _ := lookup(DefaultKey) // is in the table
		aime.column, aime.own = cmp.Or(conf.PromptColumn, aime.column), true
		return openHub(ctx, cfg, aime)
	}
	return openHub(ctx, cfg, hubSource{
		key: src.Path, repo: src.Path, own: true,
		revision: src.HF.Revision, subset: cmp.Or(src.HF.Name, src.HF.Subset), split: src.HF.Split, files: src.HF.Files,
		column: conf.PromptColumn, image: conf.ImageColumn,
	})
}

// file is the source of a configuration in the folder dir. A path in it is one
// from there, as tokenomics' Python version takes it, or else from the working
// directory, as genai-bench does.
func (conf *configFile) file(dir string) fileSource {
	src := fileSource{path: conf.Source.Path, column: conf.PromptColumn, image: conf.ImageColumn}
	if beside := filepath.Join(dir, src.path); !filepath.IsAbs(src.path) {
		if _, err := os.Stat(beside); err == nil {
			src.path = beside
		}
	}
	ext := filepath.Ext(src.path)
	if conf.Source.Format != "" {
		src.kind = "." + strings.TrimPrefix(conf.Source.Format, ".")
		ext = src.kind
	}
	if kind, ok := kindOf(ext); ok && !kind.columns {
		src.column, src.image = "", "" // configurations name one all the same
	}
	return src
}

// readConfig reads and checks a configuration.
func readConfig(path string) (*configFile, error) {
	f, err := os.Open(path)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err // the caller names the path
		}
		return nil, err
	}
	defer f.Close() // read only: nothing can be lost
	raw, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxConfigBytes {
		return nil, fmt.Errorf("more than %d MiB: it is no configuration; for prompts use --dataset-file", maxConfigBytes>>20)
	}
	var conf configFile
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&conf); err != nil {
		return nil, configError(raw, dec, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after its end")
	}
	return &conf, conf.check()
}

// configError says what is wrong with a configuration's JSON, and where.
func configError(raw []byte, dec *json.Decoder, err error) error {
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("key %s is not known: remove it, or correct it", name)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Errorf("%s must not be a %s", kind.Field, kind.Value)
	}
	at := min(errorOffset(dec, err), int64(len(raw)))
	return fmt.Errorf("bad JSON near line %d: %w", 1+bytes.Count(raw[:at], []byte("\n")), err)
}

// check refuses what can't be meant, or can't be done here.
func (conf *configFile) check() error {
	src := conf.Source
	switch {
	case src.Class != nil || src.Args != nil || src.Type == "custom":
		return errors.New("custom loaders are Python code, which is not run: save the prompts to a file and use --dataset-file")
	case src.Index != nil:
		return errors.New("csv_column_index is not supported: name the column in prompt_column")
	case src.Type != "huggingface" && src.Type != "file" && src.Type != "aime":
		return fmt.Errorf("source.type is %q: it must be huggingface, file or aime", src.Type)
	case src.Type != "aime" && src.Path == "":
		return fmt.Errorf("source.path is missing: a %s has one", src.Type)
	case src.HF.Name != "" && src.HF.Subset != "" && src.HF.Name != src.HF.Subset:
		return fmt.Errorf("name %q and subset %q are the same thing: give one", src.HF.Name, src.HF.Subset)
	}
	return nil
}
