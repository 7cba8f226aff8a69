package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// fields are header fields as a client sent them.
type fields [][2]string

func (f fields) first(name string) string {
	for _, kv := range f {
		if strings.EqualFold(kv[0], name) {
			return kv[1]
		}
	}
	return ""
}

func TestTenantFromHeader(t *testing.T) {
	tests := []struct {
		name   string
		fields fields
		want   string
	}{
		{"none", nil, ""},
		{"empty", fields{{"X-Team", "  "}}, ""},
		{"in another case", fields{{"x-tEAM", "red"}}, "red"},
		{"the first of two", fields{{"X-Team", "red"}, {"X-Team", "blue"}}, "red"},
		{"spaces around", fields{{"X-Team", " \tred team "}}, "red team"},
		{"letters of any kind", fields{{"X-Team", "équipe 红"}}, "équipe 红"},
		{"control characters", fields{{"X-Team", "a\x00b\x1b[31mc\x7f"}}, "a\uFFFDb\uFFFD[31mc\uFFFD"},
		{"what turns a line around", fields{{"X-Team", "a\u202eb"}}, "a\uFFFDb"},
		{"no UTF-8", fields{{"X-Team", "a\xffb"}}, "a\uFFFDb"},
		{"long", fields{{"X-Team", strings.Repeat("x", 5000)}}, strings.Repeat("x", 128)},
		{"cut between runes", fields{{"X-Team", strings.Repeat("x", 127) + "üy"}}, strings.Repeat("x", 127)},
		{"long garbage", fields{{"X-Team", strings.Repeat("\xff", 128)}}, strings.Repeat("\uFFFD", 42)},
		{"long continuations", fields{{"X-Team", strings.Repeat("\x80", 500)}}, strings.Repeat("\uFFFD", 42)},
		{"a key is not asked for", fields{{"Authorization", "Bearer k"}}, ""},
	}
	tenancy, err := Tenancy{Header: "X-Team"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		if got := tenancy.Of(tt.fields.first); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzTenantName(f *testing.F) {
	for _, seed := range []string{"", "red", " a\xffb\x00 ", strings.Repeat("ü", 100), strings.Repeat("\x80", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := tenantName(value)
		if len(got) > maxTenant || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%q became %q", value, got)
		}
	})
}

const (
	testSalt = "0123456789abcdef"
	testKey  = "sk-secret-1"
	// printf sk-secret-1 | openssl dgst -sha256 -hmac 0123456789abcdef
	testHash = "08c5a11767b3"
)

func TestTenantFromKey(t *testing.T) {
	tests := []struct {
		name   string
		fields fields
		want   string
	}{
		{"none", nil, ""},
		{"bearer", fields{{"authorization", "Bearer " + testKey}}, testHash},
		{"bearer in another case", fields{{"Authorization", " bearer   " + testKey + " "}}, testHash},
		{"x-api-key", fields{{"x-api-key", testKey}}, testHash},
		{"api-key", fields{{"api-key", testKey}}, testHash},
		{"bearer before the others", fields{{"api-key", "a"}, {"x-api-key", "b"}, {"Authorization", "Bearer " + testKey}}, testHash},
		{"x-api-key before api-key", fields{{"api-key", "a"}, {"x-api-key", testKey}}, testHash},
		{"another scheme, and a key", fields{{"Authorization", "Basic dTpw"}, {"x-api-key", testKey}}, testHash},
		{"another scheme", fields{{"Authorization", "Basic dTpw"}}, ""},
		{"a scheme alone", fields{{"Authorization", "Bearer"}}, ""},
		{"no scheme", fields{{"Authorization", testKey}}, ""},
		{"an empty key", fields{{"x-api-key", " "}}, ""},
	}
	tenancy, err := Tenancy{FromKey: true, Salt: []byte(testSalt)}.Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		if got := tenancy.Of(tt.fields.first); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if other := tenancy.Of(fields{{"x-api-key", testKey + "2"}}.first); other == testHash || len(other) != tenantHex {
		t.Errorf("another key: %q", other)
	}
}

// Without a salt of one's own, each start makes another one.
func TestTenantSaltIsRandomUnlessGiven(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		tenancy, err := Tenancy{FromKey: true}.Check()
		if err != nil {
			t.Fatal(err)
		}
		seen[tenancy.Of(fields{{"x-api-key", testKey}}.first)] = true
	}
	if len(seen) != 2 {
		t.Errorf("two salts gave one hash: %v", seen)
	}
}

func TestTenancyRefusals(t *testing.T) {
	tests := []struct {
		name    string
		tenancy Tenancy
		want    string
	}{
		{"header and key", Tenancy{Header: "X-Team", FromKey: true}, "one of them"},
		{"salt without keys", Tenancy{Header: "X-Team", Salt: []byte(testSalt)}, "leave it out"},
		{"short salt", Tenancy{FromKey: true, Salt: []byte("pepper")}, "openssl rand"},
		{"empty salt", Tenancy{FromKey: true, Salt: []byte{}}, "openssl rand"},
		{"no header's name", Tenancy{Header: "X-Team: red"}, "X-Tenant-Id"},
		{"keys as names", Tenancy{Header: "authorization"}, "secrets"},
		{"cookies as names", Tenancy{Header: "Cookie"}, "secrets"},
	}
	for _, tt := range tests {
		if _, err := tt.tenancy.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := (Tenancy{}).Check(); err != nil {
		t.Errorf("nobody: %v", err)
	}
}

// The key goes to the engine and nowhere else: it is in no Record and no log.
func TestTheKeyIsNeverKept(t *testing.T) {
	var log tenantLog
	var line []byte
	t.Run("a request with a key", func(t *testing.T) { // the proxy ends with it
		e := engine(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+testKey {
				t.Errorf("the engine got %q", r.Header.Get("Authorization"))
			}
			sse(w, tokenEvent, finishEvent, usageEvent, "[DONE]")
		})
		p := start(t, e.URL, func(c *Config) {
			c.Tenancy = Tenancy{FromKey: true, Salt: []byte(testSalt)}
			c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		req, err := http.NewRequest("POST", p.url+chat, strings.NewReader(streaming))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+testKey)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		rec := p.records.next(t)
		if rec.Tenant != testHash {
			t.Errorf("tenant %q, want %q", rec.Tenant, testHash)
		}
		if line, err = json.Marshal(rec); err != nil {
			t.Fatal(err)
		}
	})
	for what, text := range map[string]string{"the Record": string(line), "the log": log.String()} {
		if strings.Contains(text, testKey) || strings.Contains(text, testSalt) {
			t.Errorf("%s has the key or the salt: %s", what, text)
		}
	}
}

// tenantLog is a log that may still be written to when it is read.
type tenantLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *tenantLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *tenantLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
