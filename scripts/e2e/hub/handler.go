package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// commit is the revision that the stand-in claims to be at.
const commit = "0123456789abcdef0123456789abcdef01234567"

// newHub serves one file of one dataset, and logs a line for every request.
func newHub(repo, name string, content []byte, log io.Writer) http.Handler {
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/datasets/"+repo+"/revision/{rev}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		type sibling struct {
			Name string `json:"rfilename"`
		}
		_ = json.NewEncoder(w).Encode(map[string]any{ // fails only when the client is gone
			"id": repo, "sha": commit, "private": false, "gated": false,
			"siblings": []sibling{{".gitattributes"}, {"README.md"}, {name}},
		})
	})
	mux.HandleFunc("GET /datasets/"+repo+"/resolve/{rev}/"+name, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("X-Linked-Etag", tag)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
		http.Redirect(w, r, "/cdn/"+name, http.StatusFound)
	})
	mux.HandleFunc("GET /cdn/"+name, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("Etag", `"cdn"`)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.Header().Set("X-Error-Message", "the stand-in has no such thing")
		w.WriteHeader(http.StatusNotFound)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(log, "hub: %s %s\n", r.Method, r.URL.Path)
		mux.ServeHTTP(w, r)
	})
}
