package proxy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tenancy says who a request is from. The zero value says nobody.
type Tenancy struct {
	Header  string // the header field that names the tenant; "" = none
	FromKey bool   // the tenant is a hash of the request's API key
	// Salt keeps those hashes from being compared with hashes made elsewhere.
	// nil = random, and then a key has another hash after each start.
	Salt []byte
}

const (
	maxTenant = 128 // bytes of a tenant's name
	tenantHex = 12  // digits of a key's hash: 48 bits keep thousands of keys apart
	minSalt   = 16  // bytes, so that a salt can't be guessed
)

// keyFields are the fields that API keys come in, the first that has one wins.
// Of Authorization only Bearer is a key.
var keyFields = []string{"Authorization", "X-Api-Key", "Api-Key"}

// secretFields must not become labels.
var secretFields = append([]string{"Proxy-Authorization", "Cookie"}, keyFields...)

// Check says what is wrong with t, and makes a salt where one is needed.
func (t Tenancy) Check() (Tenancy, error) {
	switch {
	case t.Header != "" && t.FromKey:
		return t, errors.New("a tenant is named by a header or by its key: give one of them")
	case len(t.Salt) > 0 && !t.FromKey:
		return t, errors.New("a salt is for tenants from keys: leave it out")
	case t.FromKey && t.Salt != nil && len(t.Salt) < minSalt:
		return t, fmt.Errorf("a salt of %d bytes could be guessed: give %d or more, such as those of 'openssl rand -hex 32'", len(t.Salt), minSalt)
	case t.Header != "" && strings.ContainsFunc(t.Header, notInName):
		return t, fmt.Errorf("%q is no name of a header field: write it as X-Tenant-Id", t.Header)
	}
	for _, secret := range secretFields {
		if strings.EqualFold(t.Header, secret) {
			return t, fmt.Errorf("%s holds secrets, which would be in every log: take the tenant from the key's hash, or from another field", secret)
		}
	}
	if t.FromKey && t.Salt == nil {
		t.Salt = make([]byte, 2*minSalt)
		rand.Read(t.Salt) // never fails: crypto/rand documents that it crashes instead
	}
	return t, nil
}

// notInName is for what no field name has (RFC 9110, section 5.6.2).
func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
}

// Of is the tenant of the request whose header fields field finds: the first
// with a name, in whatever case, "" where there is none. "" is nobody. A key
// leaves nothing behind but its hash.
func (t *Tenancy) Of(field func(name string) string) string {
	switch {
	case t.Header != "":
		return tenantName(field(t.Header))
	case t.FromKey:
		if key := apiKey(field); key != "" {
			mac := hmac.New(sha256.New, t.Salt)
			mac.Write([]byte(key))
			return hex.EncodeToString(mac.Sum(nil))[:tenantHex]
		}
	}
	return ""
}

// apiKey is the request's key, "" where it has none.
func apiKey(field func(name string) string) string {
	for _, name := range keyFields {
		value := strings.TrimSpace(field(name))
		if name == "Authorization" {
			scheme, key, _ := strings.Cut(value, " ")
			if value = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") {
				continue
			}
		}
		if value != "" {
			return value
		}
	}
	return ""
}

// tenantName makes a client's text fit for logs and labels: what can't be
// printed is replaced, and a long one is cut.
func tenantName(s string) string {
	s = cutTenant(strings.TrimSpace(s))
	if strings.ContainsFunc(s, notShown) { // that includes bytes that are not UTF-8
		s = cutTenant(strings.Map(func(r rune) rune {
			if notShown(r) {
				return utf8.RuneError
			}
			return r
		}, s))
	}
	return s
}

// notShown is for control characters, and for what changes the look of a line.
func notShown(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// cutTenant keeps whole runes.
func cutTenant(s string) string {
	if len(s) <= maxTenant {
		return s
	}
	end := maxTenant
	for end > maxTenant-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
