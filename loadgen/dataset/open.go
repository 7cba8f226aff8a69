package dataset

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Config says which dataset to open, and how: that of ConfigFile, File or
// HFPath, one of which may be given, else that of Key. The package reads no
// environment variables: HF_TOKEN and its kin are the caller's to pass in.
type Config struct {
	// Key names a dataset of the table in keys.go; see Keys. "" means DefaultKey.
	Key string
	// File is a .txt, .csv, .json, .jsonl or .parquet file. "" means none.
	File string
	// HFPath is a dataset on the Hugging Face hub, as in "openai/gsm8k". ""
	// means none.
	HFPath string
	// ConfigFile is a JSON file that says where the dataset is; see config.go.
	// "" means none.
	ConfigFile string

	// HFSubset is the part of a hub's dataset that is meant, which the hub calls
	// subset or config. "" means the one the key's table row names, or the
	// dataset's only one.
	HFSubset string
	// HFSplit is the split, as in "test". "" means the one the key's table row
	// names, or the first there is of train, test and validation.
	HFSplit string
	// PromptColumn names the column, or JSON key, that holds the prompt: a text,
	// or a conversation. "" means the one the key's table row or ConfigFile
	// names, or else a guess among the usual names (see promptColumns).
	PromptColumn string
	// ImageColumn names the column, or JSON key, that holds the row's image or
	// images. "" means the one the key's table row or ConfigFile names, or else
	// that prompts have no images.
	ImageColumn string
	// MaxPrompts keeps the first so many prompts. 0 means all of them.
	MaxPrompts int

	// CacheDir is where downloads are kept. "" means tokenomics/datasets
	// under os.UserCacheDir.
	CacheDir string
	// HFToken is sent to the hub as a bearer token, and to no other host. ""
	// means anonymous.
	HFToken string
	// HFEndpoint is the hub's base URL. "" means https://huggingface.co.
	HFEndpoint string
	// Offline makes Open use what was downloaded before and no network
	// (HF_HUB_OFFLINE). False means the hub is asked for what is not cached.
	Offline bool

	// HTTPClient does the requests; its CheckRedirect is replaced by ours. nil
	// means a client of our own that heeds HTTPS_PROXY and NO_PROXY.
	HTTPClient *http.Client
	// Timeout bounds all of one file's download. 0 means 10 minutes.
	Timeout time.Duration
	// StallTimeout bounds the wait for the next byte. 0 means 30 seconds.
	StallTimeout time.Duration
	// Progress is told how far a download has come, in bytes of the file being
	// fetched; total is -1 where the hub did not say. nil means nobody is told.
	Progress func(done, total int64)
}

// Open loads the dataset that cfg names. Errors are one line that says what is
// wrong and what to do about it, and match ErrConfig or ErrUnavailable, or the
// context's own error when it was cancelled.
func Open(ctx context.Context, cfg Config) (*Dataset, error) {
	if cfg.MaxPrompts < 0 {
		return nil, configErrorf("the number of prompts to keep is %d: give 0 for all of them, or a positive number", cfg.MaxPrompts)
	}
	if err := cfg.oneSource(); err != nil {
		return nil, err
	}
	switch {
	case cfg.ConfigFile != "":
		return openConfigFile(ctx, cfg)
	case cfg.File != "":
		return openFile(ctx, cfg, fileSource{path: cfg.File})
	case cfg.HFPath != "":
		return openHub(ctx, cfg, hubSource{key: cfg.HFPath, repo: cfg.HFPath, own: true})
	}
	return openKey(ctx, cfg)
}

// openKey loads the dataset that has the short name cfg.Key.
func openKey(ctx context.Context, cfg Config) (*Dataset, error) {
	key := cfg.Key
	if key == "" {
		key = DefaultKey
	}
	if src, ok := lookup(key); ok {
		return openHub(ctx, cfg, src)
	}
	open, ok := map[string]func(Config) (*Dataset, error){BuiltinKey: openBuiltin, SonnetKey: openSonnet}[key]
	if !ok {
		return nil, configErrorf("unknown dataset %q: known ones are %s; for prompts of your own use --dataset-file FILE, for others of the hub --hf-dataset OWNER/NAME",
			key, strings.Join(Keys(), ", "))
	}
	if cfg.PromptColumn != "" || cfg.ImageColumn != "" || cfg.HFSubset != "" || cfg.HFSplit != "" {
		return nil, configErrorf("the %s dataset has no columns, subsets or splits: leave out --prompt-column, --image-column, --hf-subset and --hf-split", key)
	}
	return open(cfg)
}

// oneSource refuses a configuration that names two datasets, or a part of one
// that has none.
func (cfg Config) oneSource() error {
	var given []string
	for _, s := range []struct{ flag, value string }{
		{"--dataset-config", cfg.ConfigFile}, {"--dataset-file", cfg.File}, {"--hf-dataset", cfg.HFPath},
	} {
		if s.value != "" {
			given = append(given, s.flag)
		}
	}
	if len(given) > 1 {
		return configErrorf("%s each name a dataset: give one of them", strings.Join(given, " and "))
	}
	if cfg.File != "" && (cfg.HFSubset != "" || cfg.HFSplit != "") {
		return configErrorf("a file has no subsets or splits: leave out --hf-subset and --hf-split")
	}
	return nil
}
