package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	aimeListing = "/api/datasets/gneubig/aime-1983-2024/revision/main"
	aimeFile    = "/datasets/gneubig/aime-1983-2024/resolve/c0ffee/AIME_Dataset_1983_2024.csv"
	aimeCSV     = "ID,Year,Problem Number,Question,Answer,Part\n1983-1,1983,1,\"First, of\ntwo lines?\",60,\n1983-2,1983,2,Second?,15,\n"
	listingJSON = `{"id":"gneubig/aime-1983-2024","sha":"c0ffee","siblings":[{"rfilename":".gitattributes"},{"rfilename":"README.md"},{"rfilename":"AIME_Dataset_1983_2024.csv"}]}`
)

// seen is a request as a stand-in got it.
type seen struct{ path, auth string }

// standIn is a server that answers as its table says and remembers who asked.
type standIn struct {
	*httptest.Server
	mu   sync.Mutex // protects seen
	seen []seen
}

func newStandIn(t *testing.T, routes map[string]http.HandlerFunc) *standIn {
	t.Helper()
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, seen{r.URL.Path, r.Header.Get("Authorization")})
		s.mu.Unlock()
		if h, ok := routes[r.URL.Path]; ok {
			h(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func aimeConfig(t *testing.T, s *standIn) Config {
	return Config{HFEndpoint: s.URL, CacheDir: t.TempDir(), HTTPClient: s.Client()}
}

// cached lists the files below a cache directory.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHubIsAskedOnce(t *testing.T) {
	s := newStandIn(t, map[string]http.HandlerFunc{aimeListing: says(listingJSON), aimeFile: says(aimeCSV)})
	cfg := aimeConfig(t, s)
	cfg.HFEndpoint += "/"
	cfg.HFToken = "hf_secret\n"
	var last, total int64
	cfg.Progress = func(d, n int64) { last, total = d, n }
	want := []string{"First, of\ntwo lines?", "Second?"}

	d, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(d); !reflect.DeepEqual(got, want) {
		t.Errorf("prompts %q, want %q", got, want)
	}
	if d.Name() != "aime" || !strings.Contains(d.Source(), "gneubig/aime-1983-2024") {
		t.Errorf("name %q, source %q", d.Name(), d.Source())
	}
	if n := int64(len(aimeCSV)); last != n || total != n {
		t.Errorf("progress ended at %d of %d, want %d", last, total, n)
	}
	asked := []seen{{aimeListing, "Bearer hf_secret"}, {aimeFile, "Bearer hf_secret"}}
	if got := s.requests(); !reflect.DeepEqual(got, asked) {
		t.Errorf("requests %v, want %v", got, asked)
	}

	cfg.Offline = true
	for range 2 {
		if d, err = Open(context.Background(), cfg); err != nil {
			t.Fatal(err)
		}
		if got := texts(d); !reflect.DeepEqual(got, want) {
			t.Errorf("prompts from the cache %q, want %q", got, want)
		}
		cfg.Offline = false
	}
	if got := s.requests(); len(got) != len(asked) {
		t.Errorf("a cached dataset was asked for: %v", got[len(asked):])
	}
}

func TestHubFetchesADamagedCacheAgain(t *testing.T) {
	s := newStandIn(t, map[string]http.HandlerFunc{aimeListing: says(listingJSON), aimeFile: says(aimeCSV)})
	cfg := aimeConfig(t, s)
	if _, err := Open(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(cfg.CacheDir, "*", "*", "*", "*.csv"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("cached files %q, %v", paths, err)
	}
	if err := os.WriteFile(paths[0], []byte(aimeCSV[:len(aimeCSV)-4]), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if d.Len() != 2 || len(s.requests()) != 3 {
		t.Errorf("%d prompts after %d requests, want 2 after 3", d.Len(), len(s.requests()))
	}
}

// The store that large files are in is another host, and not one the token is for.
func TestHubRedirects(t *testing.T) {
	sum := sha256.Sum256([]byte(aimeCSV))
	for _, tc := range []struct {
		name string
		etag string
		body string
		want string // in the error; "" for success
	}{
		{"to the store", `"` + hex.EncodeToString(sum[:]) + `"`, aimeCSV, ""},
		{"to other content", `"` + hex.EncodeToString(sum[:]) + `"`, "ID,Question\n1,other\n", "SHA-256"},
		{"without a hash", `"abc"`, aimeCSV, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := newStandIn(t, map[string]http.HandlerFunc{"/lfs/x": says(tc.body)})
			hub := newStandIn(t, map[string]http.HandlerFunc{
				aimeListing: says(listingJSON),
				aimeFile: func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Linked-Etag", tc.etag)
					http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
				},
				"/moved": func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, store.URL+"/lfs/x?signature=1", http.StatusFound)
				},
			})
			cfg := aimeConfig(t, hub)
			cfg.HFToken = "hf_secret"
			_, err := Open(context.Background(), cfg)
			if tc.want == "" && err != nil {
				t.Fatal(err)
			}
			if tc.want != "" {
				checkError(t, err, ErrUnavailable, tc.want)
			}
			if got := store.requests(); !reflect.DeepEqual(got, []seen{{"/lfs/x", ""}}) {
				t.Errorf("the store saw %v", got)
			}
			if got := hub.requests(); len(got) != 3 || got[2].auth != "Bearer hf_secret" {
				t.Errorf("the hub saw %v", got)
			}
			for _, name := range cached(t, cfg.CacheDir) {
				if tc.want != "" && strings.Contains(name, "AIME") {
					t.Errorf("%s was kept", name)
				}
			}
		})
	}
}

func TestHubDoesNotLeaveTLS(t *testing.T) {
	plain := newStandIn(t, nil)
	hub := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer hub.Close()
	_, err := Open(context.Background(), Config{HFEndpoint: hub.URL, CacheDir: t.TempDir(), HTTPClient: hub.Client()})
	checkError(t, err, ErrUnavailable, "https")
	if len(plain.requests()) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestHubErrors(t *testing.T) {
	truncated := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(aimeCSV)))
		fmt.Fprint(w, aimeCSV[:40])
	}
	ok := says(listingJSON)
	for _, tc := range []struct {
		name    string
		listing http.HandlerFunc
		file    http.HandlerFunc
		token   string
		column  string
		kind    error
		want    []string
	}{
		{"401", status(401, "X-Error-Message", "Invalid\u009b username"), nil, "", "", ErrUnavailable, []string{"401", "Invalid username", "set HF_TOKEN"}},
		{"403 with a token", ok, status(403), "hf_secret", "", ErrUnavailable, []string{"403", "HF_TOKEN is not accepted"}},
		{"404", ok, status(404), "", "", ErrUnavailable, []string{"404", "not found", "HF_ENDPOINT"}},
		{"429", status(429, "Retry-After", "3600"), nil, "", "", ErrUnavailable, []string{"429", "too many requests", "3600"}},
		{"503", status(503), nil, "", "", ErrUnavailable, []string{"503", "try again later"}},
		{"418", status(418), nil, "", "", ErrUnavailable, []string{"418", "unexpected"}},
		{"a login page for a listing", says("<html>log in"), nil, "", "", ErrUnavailable, []string{"bad content", "listing", "HF_ENDPOINT"}},
		{"a listing of nothing", says(`{}`), nil, "", "", ErrUnavailable, []string{"bad content", "names no files"}},
		{"a listing without data", says(`{"siblings":[{"rfilename":"README.md"}]}`), nil, "", "", ErrUnavailable, []string{"bad content", "parquet"}},
		{"a login page for a file", ok, says("<html>log in"), "", "", ErrUnavailable, []string{"bad content", "AIME_Dataset_1983_2024.csv", `"Question"`}},
		{"a file of no rows", ok, says("Question\n"), "", "", ErrUnavailable, []string{"bad content", "no prompts"}},
		{"a wrong column", ok, says(aimeCSV), "", "Frage", ErrConfig, []string{`no column "Frage"`, `"Problem Number"`}},
		{"half a listing", truncated, nil, "", "", ErrUnavailable, []string{"broke off after 40 of"}},
		{"half a file", ok, truncated, "", "", ErrUnavailable, []string{"broke off after 40 of"}},
		{"redirects without end", http.RedirectHandler(aimeListing, http.StatusFound).ServeHTTP, nil, "", "", ErrUnavailable, []string{"redirects"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStandIn(t, map[string]http.HandlerFunc{aimeListing: tc.listing, aimeFile: tc.file})
			cfg := aimeConfig(t, s)
			cfg.HFToken, cfg.PromptColumn = tc.token, tc.column
			_, err := Open(context.Background(), cfg)
			checkError(t, err, tc.kind, append(tc.want, "gneubig/aime-1983-2024", s.URL)...)
			if tc.kind == ErrUnavailable {
				checkError(t, err, ErrUnavailable, "--dataset-key builtin", "--dataset-file FILE")
				if errors.Is(err, ErrConfig) {
					t.Errorf("%q is wrong use too", err)
				}
			}
			if tc.token != "" && strings.Contains(err.Error(), tc.token) {
				t.Errorf("error %q tells the token", err)
			}
			checkRecovers(t, cfg)
		})
	}
}

// checkRecovers sees to it that nothing a failed download left behind is used.
func checkRecovers(t *testing.T, cfg Config) {
	t.Helper()
	for _, name := range cached(t, cfg.CacheDir) {
		if strings.HasPrefix(name, ".partial") {
			t.Errorf("%s was left behind", name)
		}
	}
	u := strings.TrimPrefix(cfg.HFEndpoint, "http://")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	good := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := listingJSON
		if r.URL.Path == aimeFile {
			body = aimeCSV
		}
		fmt.Fprint(w, body)
	})}}
	good.Start()
	defer good.Close()
	// The same address as far as the cache is concerned, another server behind it.
	cfg.PromptColumn = ""
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr != u {
				return nil, fmt.Errorf("dialled %s", addr)
			}
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		},
	}}
	d, err := Open(context.Background(), cfg)
	if err != nil || d.Len() != 2 {
		t.Errorf("after the hub got well: %v", err)
	}
}

func TestHubOutOfReach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	dialError := func(err error) *http.Client {
		return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}}}
	}
	for _, tc := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"refused", Config{HFEndpoint: "http://" + l.Addr().String(), HTTPClient: &http.Client{Transport: &http.Transport{}}}, "can't connect"},
		{"no such host", Config{HTTPClient: dialError(&net.DNSError{Err: "no such host", Name: "huggingface.co", IsNotFound: true})}, "can't find host huggingface.co"},
		{"offline", Config{Offline: true}, "HF_HUB_OFFLINE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg.CacheDir = t.TempDir()
			_, err := Open(context.Background(), tc.cfg)
			checkError(t, err, ErrUnavailable, tc.want, "--dataset-key builtin", "--dataset-file FILE")
		})
	}
}

// A hub that sends half a file and then nothing is given up on, by us or by
// the user, and leaves nothing behind.
func TestHubStops(t *testing.T) {
	for _, tc := range []struct {
		name    string
		cfg     Config
		cancels bool
		want    string
	}{
		{"cancelled", Config{}, true, "context canceled"},
		{"stalled", Config{StallTimeout: 50 * time.Millisecond}, false, "no data came for 50ms"},
		{"too slow", Config{Timeout: 50 * time.Millisecond}, false, "longer than 50ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s := newStandIn(t, map[string]http.HandlerFunc{
				aimeListing: says(listingJSON),
				aimeFile: func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprint(w, aimeCSV[:40])
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				},
			})
			cfg := tc.cfg
			cfg.HFEndpoint, cfg.CacheDir, cfg.HTTPClient = s.URL, t.TempDir(), s.Client()
			cfg.Progress = func(int64, int64) {
				if tc.cancels {
					cancel()
				}
			}
			_, err := Open(ctx, cfg)
			if tc.cancels {
				if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
					t.Errorf("error %v", err)
				}
			} else {
				checkError(t, err, ErrUnavailable, tc.want)
			}
			for _, name := range cached(t, cfg.CacheDir) {
				if !strings.HasPrefix(name, listingFile) {
					t.Errorf("%s was kept", name)
				}
			}
		})
	}
}

// Shards are fetched as their rows are wanted, from the commit listed.
func TestHubShards(t *testing.T) {
	pq := parquetFile(t, someRows())
	const shard = "/datasets/gneubig/aime-1983-2024/resolve/main/data dir/train-0000%d.parquet"
	s := newStandIn(t, map[string]http.HandlerFunc{
		aimeListing: says(`{"siblings":[{"rfilename":"data dir/train-00001.parquet"},{"rfilename":"data dir/test-00000.parquet"},{"rfilename":"data dir/train-00000.parquet"}]}`),

		fmt.Sprintf(shard, 0): says(pq),
		fmt.Sprintf(shard, 1): says(pq),
	})
	cfg := aimeConfig(t, s)
	cfg.PromptColumn, cfg.MaxPrompts = "plain", 5
	for _, want := range []struct{ prompts, requests int }{{5, 2}, {7, 3}} {
		cfg.MaxPrompts = want.prompts
		d, err := Open(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != want.prompts || len(s.requests()) != want.requests {
			t.Errorf("%d prompts after %v, want %d after %d requests", d.Len(), s.requests(), want.prompts, want.requests)
		}
	}
}
