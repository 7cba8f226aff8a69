package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Bounds of what is loaded. They are far above any benchmark dataset in use
// and far below what would take a machine down when a wrong file is named.
const (
	maxFileBytes = 1 << 30   // one file, also each one downloaded
	maxTextBytes = 1 << 30   // all prompts together: parquet can inflate
	maxPrompts   = 1_000_000 // rows with text in them
	maxLineBytes = 64 << 20  // one line of .txt or .jsonl
)

// ErrConfig marks errors that another command line would cure: an unknown
// key, a missing file or column, a file of an unknown kind.
var ErrConfig = errors.New("wrong dataset options")

// ErrUnavailable marks errors where the dataset exists, as far as we know,
// but could not be had now: no network, a refusal, a broken download.
var ErrUnavailable = errors.New("dataset unavailable")

// Prompt is one row of a dataset.
type Prompt struct {
	// Text is the prompt as the dataset has it: never empty, always UTF-8.
	Text string
	// ID is the row's own name in the builtin set; empty elsewhere.
	ID string
	// Domain is the subject of a builtin prompt; empty elsewhere.
	Domain string
	// Row is the row's number in its file, counted from 1 (the header of a
	// .csv not counted). Rows without text are left out, so Row may skip.
	Row int
}

// Dataset is a named list of prompts. It is immutable and safe for use by any
// number of goroutines.
type Dataset struct {
	name    string
	source  string
	prompts []Prompt
}

// New returns a dataset of the given prompts, which it copies. It fails when
// there are none, or one has no text.
func New(name, source string, prompts []Prompt) (*Dataset, error) {
	if len(prompts) == 0 {
		return nil, fmt.Errorf("making dataset %q: no prompts in %s", name, source)
	}
	for i, p := range prompts {
		if p.Text == "" {
			return nil, fmt.Errorf("making dataset %q: prompt %d has no text", name, i)
		}
	}
	return &Dataset{name: name, source: source, prompts: append([]Prompt(nil), prompts...)}, nil
}

// Name is the key the dataset is known by, or the file's base name.
func (d *Dataset) Name() string { return d.name }

// Source says in a few words where the prompts came from.
func (d *Dataset) Source() string { return d.source }

// Len is the number of prompts; at least 1.
func (d *Dataset) Len() int { return len(d.prompts) }

// At returns prompt i, 0 <= i < Len; it panics outside of that, as a slice does.
func (d *Dataset) At(i int) Prompt { return d.prompts[i] }

// Digest is the SHA-256, in hex, over all texts in order, each preceded by its
// length. Two results are of the same prompts when their digests are equal.
func (d *Dataset) Digest() string {
	h := sha256.New()
	var n [8]byte
	for _, p := range d.prompts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p.Text)))
		h.Write(n[:])
		h.Write([]byte(p.Text))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Config says which dataset to open, and how. The package reads no environment
// variables: HF_TOKEN and its kin are the caller's to pass in.
type Config struct {
	// Key names a dataset of the table in keys.go; see Keys. "" means DefaultKey.
	Key string
	// File is a .txt, .csv, .json, .jsonl or .parquet file to read instead of
	// Key's dataset. "" means Key is used.
	File string
	// PromptColumn names the column, or JSON key, that holds the prompt. ""
	// means the one the key's table row names, or for a file a guess among the
	// usual names (see promptColumns).
	PromptColumn string
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
	if cfg.File != "" {
		return openFile(ctx, cfg)
	}
	key := cfg.Key
	if key == "" {
		key = DefaultKey
	}
	if key == BuiltinKey {
		return openBuiltin(cfg)
	}
	src, ok := lookup(key)
	if !ok {
		return nil, configErrorf("unknown dataset %q: known ones are %s; for prompts of your own use --dataset-file FILE",
			key, strings.Join(Keys(), ", "))
	}
	return openHub(ctx, cfg, src)
}

// configErrorf makes a one-line error that matches ErrConfig without carrying
// its words.
func configErrorf(format string, args ...any) error {
	return &markedError{err: fmt.Errorf(format, args...), mark: ErrConfig}
}

// markedError is err, that also answers to errors.Is(_, mark).
type markedError struct{ err, mark error }

func (e *markedError) Error() string   { return e.err.Error() }
func (e *markedError) Unwrap() []error { return []error{e.err, e.mark} }
