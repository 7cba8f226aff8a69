package dataset

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// breaking is a store that sends a file in pieces: after so many bytes of an
// answer the connection breaks. It remembers where each was asked to begin.
type breaking struct {
	content string
	etag    string
	piece   int
	ranges  bool // it knows Range

	mu     sync.Mutex // protects asked
	asked  []string   // "" is from the start
	tokens []string
}

func (b *breaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked = append(b.asked, strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"))
	b.tokens = append(b.tokens, r.Header.Get("Authorization"))
	from := b.asked[len(b.asked)-1]
	b.mu.Unlock()
	at, err := strconv.Atoi(from)
	if err != nil || !b.ranges {
		at = 0
	}
	w.Header().Set("Etag", b.etag)
	if at >= len(b.content) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(b.content)-at))
	if at > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(b.content)-1, len(b.content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	fmt.Fprint(w, b.content[at:min(at+b.piece, len(b.content))])
}

// largeCSV is a dataset of n bytes and a few more.
func largeCSV(n int) string {
	return "ID,Question\n" + strings.Repeat("1,"+strings.Repeat("word ", 200)+"\n", n/1003+1)
}

func breakingHub(t *testing.T, b *breaking) (*standIn, Config) {
	store := newStandIn(t, map[string]http.HandlerFunc{"/lfs/x": b.ServeHTTP})
	hub := newStandIn(t, map[string]http.HandlerFunc{
		aimeListing: says(listingJSON),
		aimeFile:    http.RedirectHandler(store.URL+"/lfs/x", http.StatusFound).ServeHTTP,
	})
	cfg := aimeConfig(t, hub)
	cfg.HFToken = "hf_secret"
	return hub, cfg
}

func TestHubGoesOn(t *testing.T) {
	b := &breaking{content: largeCSV(100_000), etag: `"a"`, piece: 40_000, ranges: true}
	_, cfg := breakingHub(t, b)
	var last int64
	cfg.Progress = func(done, total int64) {
		if total != int64(len(b.content)) || done < last {
			t.Errorf("progress of %d of %d after %d", done, total, last)
		}
		last = done
	}
	d, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(b.content, "\n") - 1; d.Len() != want {
		t.Errorf("%d prompts, want %d", d.Len(), want)
	}
	if got := strings.Join(b.asked, " "); got != " 40000 80000" {
		t.Errorf("asked from %q", got)
	}
	if got := strings.Join(b.tokens, ""); got != "" {
		t.Errorf("the store was told %q", got)
	}
	if last != int64(len(b.content)) {
		t.Errorf("progress ended at %d", last)
	}
}

func TestHubDoesNotGoOn(t *testing.T) {
	for _, tc := range []struct {
		name   string
		piece  int
		ranges bool
		asked  int
	}{
		{"a store without ranges gives no more than before", 40_000, false, 2},
		{"it breaks too often", 1_000, true, 1 + maxBreaks},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &breaking{content: largeCSV(100_000), etag: `"a"`, piece: tc.piece, ranges: tc.ranges}
			_, cfg := breakingHub(t, b)
			_, err := Open(context.Background(), cfg)
			checkError(t, err, ErrUnavailable, "broke off after")
			if len(b.asked) != tc.asked {
				t.Errorf("asked %d times, want %d", len(b.asked), tc.asked)
			}
		})
	}
}

// What came of a large file is there for the next run, if it is still the same.
func TestHubResumes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(b *breaking, cacheDir string)
		asked  string // by the second run
	}{
		{"goes on", func(*breaking, string) {}, "3000000"},
		{"another file by now", func(b *breaking, _ string) { b.etag = `"b"` }, "3000000 "},
		{"a shorter file by now", func(b *breaking, _ string) { b.content, b.etag = largeCSV(100), `"b"` }, "3000000 "},
		{"a store that forgot ranges", func(b *breaking, _ string) { b.ranges = false }, "3000000"},
		{"no sidecar", func(_ *breaking, dir string) { removeAll(t, dir, "*.partial.json") }, ""},
		{"a sidecar alone", func(_ *breaking, dir string) { removeAll(t, dir, "*.partial") }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &breaking{content: largeCSV(4_000_000), etag: `"a"`, piece: 3_000_000, ranges: true}
			hub, cfg := breakingHub(t, b)
			ctx, cancel := context.WithCancel(context.Background())
			cfg.Progress = func(done, _ int64) {
				if done == 3_000_000 {
					cancel() // as Ctrl-C does
				}
			}
			if _, err := Open(ctx, cfg); err == nil {
				t.Fatal("a broken download gave a dataset")
			}
			b.asked, b.piece, cfg.Progress = nil, 1<<30, nil
			tc.change(b, cfg.CacheDir)
			d, err := Open(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Count(b.content, "\n") - 1; d.Len() != want {
				t.Errorf("%d prompts, want %d", d.Len(), want)
			}
			if got := strings.Join(b.asked, " "); got != tc.asked {
				t.Errorf("asked from %q, want %q", got, tc.asked)
			}
			for _, name := range cached(t, cfg.CacheDir) {
				if strings.Contains(name, ".partial") {
					t.Errorf("%s was left behind", name)
				}
			}
			if n := len(hub.requests()); n < 3 {
				t.Errorf("%d requests to the hub", n)
			}
		})
	}
}

// A download that can't be mended now says that its bytes are not lost.
func TestHubTellsWhatIsKept(t *testing.T) {
	b := &breaking{content: largeCSV(4_000_000), etag: `"a"`, piece: 3_000_000}
	_, cfg := breakingHub(t, b)
	_, err := Open(context.Background(), cfg)
	checkError(t, err, ErrUnavailable, "broke off after 3000000 of", "2 MiB are kept")
}

func removeAll(t *testing.T, dir, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*", "*", pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %q, %v", pattern, paths, err)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
}

// A hub that asks for patience gets it, within bounds.
func TestHubWaits(t *testing.T) {
	for _, tc := range []struct {
		name     string
		code     int
		after    string
		refusals int
		asked    int
		want     string // in the error; "" for success
	}{
		{"429 twice", 429, "0", 2, 3, ""},
		{"429 by a date that is past", 429, "Mon, 02 Jan 2006 15:04:05 GMT", 1, 2, ""},
		{"503", 503, "0", 1, 2, ""},
		{"429 without end", 429, "0", 100, 1 + maxRefusals, "too many requests"},
		{"429 for an hour", 429, "3600", 1, 1, "3600"},
		{"429 that does not say", 429, "", 1, 1, "too many requests"},
		{"503 that does not say", 503, "", 1, 1, "fault"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			refused := 0
			s := newStandIn(t, map[string]http.HandlerFunc{
				aimeListing: func(w http.ResponseWriter, r *http.Request) {
					if refused < tc.refusals {
						refused++
						status(tc.code, "Retry-After", tc.after)(w, r)
						return
					}
					fmt.Fprint(w, listingJSON)
				},
				aimeFile: says(aimeCSV),
			})
			_, err := Open(context.Background(), aimeConfig(t, s))
			asked := 0
			for _, r := range s.requests() {
				if r.path == aimeListing {
					asked++
				}
			}
			if asked != tc.asked {
				t.Errorf("asked %d times, want %d", asked, tc.asked)
			}
			if tc.want != "" {
				checkError(t, err, ErrUnavailable, tc.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
