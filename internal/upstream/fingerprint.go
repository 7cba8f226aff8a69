package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidwall/gjson"
	"github.com/valyala/fasthttp"
)

// Engine is what a server says of itself. Every field is a hint: "" or false
// where it did not tell.
type Engine struct {
	Name        string   // as gen_ai.provider.name has it: "vllm", "sglang", "llama_cpp", "ollama", "tgi"
	Version     string   // as the server writes it
	FrontEnd    string   // its Server header: "uvicorn" for vLLM's Python front end
	Models      []string // the ids that it lists
	Simulated   string   // what simulates the engine, "" for a real one
	AlwaysUsage bool     // it is set to send usage unasked
	Status      int      // HTTP status of its list of models
}

// ErrUnauthorized is the answer of an engine that tells strangers nothing.
var ErrUnauthorized = errors.New("the engine wants an API key before it tells what it is")

// MayAsk says whether usage can be asked for on the endpoint ("chat",
// "completions") without changing anything else in the answer: the allow-list
// of WIRE.md 15. vLLM's Rust front end has no Server header and is not on it.
func (e Engine) MayAsk(endpoint string) bool {
	if e.AlwaysUsage || e.FrontEnd != "uvicorn" {
		return false
	}
	switch e.Name {
	case "vllm":
		return endpoint == "chat" || endpoint == "completions"
	case "sglang":
		return endpoint == "chat"
	}
	return false
}

// String is the engine's name and version for people.
func (e Engine) String() string {
	s := e.Name
	if s == "" {
		return "unknown engine"
	}
	if e.Simulated != "" {
		return s + " simulated by " + e.Simulated
	}
	if e.Version != "" {
		s += " " + e.Version
	}
	return s
}

// Fingerprint asks the server at t what it is (WIRE.md 16, 16.1). It sends at
// most three GET requests, each bounded by a few seconds. An Engine without a
// name and without an error is a server that answers and tells nothing.
func Fingerprint(ctx context.Context, t Target, apiKey string) (Engine, error) {
	p := prober{pool: NewPool(t.Root(), Options{}), key: apiKey}
	defer p.pool.Close()
	var e Engine
	models, err := p.get(ctx, "/v1/models")
	if err != nil {
		return e, err
	}
	e.FrontEnd, e.Simulated, e.Status = models.server, models.simulated, models.Status
	if models.Status == 401 || models.Status == 403 {
		// vLLM's and SGLang's metrics stay open to everybody.
		metrics, err := p.get(ctx, "/metrics")
		if err != nil {
			return e, err
		}
		e.Name = byMetrics(metrics.Body)
		if e.Name == "" {
			return e, ErrUnauthorized
		}
	} else {
		e.Name = byOwner(models.Body)
		for _, id := range gjson.GetBytes(models.Body, "data.#.id").Array() {
			e.Models = append(e.Models, id.String())
		}
	}
	if err := p.details(ctx, &e); err != nil && ctx.Err() != nil {
		return e, err // that a server which answers does not tell its version is no error
	}
	return e, nil
}

func byOwner(models []byte) string {
	switch gjson.GetBytes(models, "data.0.owned_by").String() {
	case "vllm":
		return "vllm"
	case "sglang":
		return "sglang"
	case "llamacpp":
		return "llama_cpp"
	case "library":
		return "ollama"
	}
	return ""
}

func byMetrics(text []byte) string {
	switch {
	case bytes.Contains(text, []byte("vllm:")):
		return "vllm"
	case bytes.Contains(text, []byte("sglang:")):
		return "sglang"
	}
	return ""
}

// details asks for the version, each engine where it tells it.
func (p prober) details(ctx context.Context, e *Engine) error {
	path := map[string]string{"vllm": "/version", "sglang": "/server_info", "llama_cpp": "/props", "ollama": "/api/version"}[e.Name]
	if path == "" {
		path = "/info" // TGI names its model where others name themselves
	}
	a, err := p.get(ctx, path)
	if err != nil {
		return err
	}
	switch e.Name {
	case "":
		if gjson.GetBytes(a.Body, "max_total_tokens").Exists() {
			e.Name, e.Version = "tgi", gjson.GetBytes(a.Body, "version").String()
		}
	case "llama_cpp":
		e.Version = gjson.GetBytes(a.Body, "build_info").String()
	case "sglang":
		e.AlwaysUsage = gjson.GetBytes(a.Body, "stream_response_default_include_usage").Bool()
		fallthrough
	default:
		e.Version = gjson.GetBytes(a.Body, "version").String()
	}
	return nil
}

// prober asks small questions.
type prober struct {
	pool *Pool
	key  string
}

const (
	probeTimeout = 5 * time.Second // SGLang's server_info asks its scheduler first
	probeBody    = 1 << 20         // vLLM's metrics are tens of kilobytes
)

// get fetches a path of the server. Any status is an answer.
func (p prober) get(ctx context.Context, path string) (Whole, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c, err := p.pool.Get(ctx)
	if err != nil {
		return Whole{}, err
	}
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	req.Header.SetHost(p.pool.target.Host())
	req.Header.SetRequestURI(p.pool.target.Prefix + path)
	if p.key != "" {
		req.Header.Set("Authorization", "Bearer "+p.key)
	}
	w, err := c.Fetch(ctx, req, probeBody)
	if err != nil {
		return Whole{}, fmt.Errorf("asking %s%s: %w", p.pool.target, path, err)
	}
	return w, nil
}
