package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// resetTimeout bounds one request to reset: engines ask their scheduler.
	resetTimeout = 10 * time.Second
	// resetTries is how often a reset is asked for. Engines refuse while a
	// request holds blocks, and let go of them a moment after its last token.
	resetTries = 10
)

// Reset empties the engine's prefix cache and returns how, which is the path it
// asked. The engine must be idle. The error says why it can't be done, and what
// would make it possible.
func (e *Engine) Reset(ctx context.Context) (how string, err error) {
	var path string
	switch e.name {
	case "vllm":
		path = "/reset_prefix_cache"
	case "sglang":
		path = "/flush_cache"
	case "llama_cpp":
		// Erasing its slots leaves the copies that --cache-ram keeps, and nothing
		// tells whether there are any.
		return "", errors.New("llama.cpp has no way to empty all of its prompt cache: salt passes it by")
	case "ollama":
		return "", errors.New("no way is known to empty the prompt cache of Ollama")
	default:
		return "", errors.New("no way is known to empty this engine's prefix cache")
	}
	for try := 1; ; try++ {
		again, err := e.reset(ctx, path)
		if err == nil {
			return path[1:], nil
		}
		if !again || try == resetTries {
			return "", err
		}
		if err := pause(ctx, drainPause); err != nil {
			return "", err
		}
	}
}

// reset asks once. again says that the engine has the path and refuses for now.
func (e *Engine) reset(ctx context.Context, path string) (again bool, err error) {
	a, err := e.ask(ctx, "POST", path, resetTimeout)
	if err != nil {
		return false, fmt.Errorf("resetting the prefix cache: %w", err)
	}
	switch {
	case a.status == 200 && succeeded(a.body):
		return false, nil
	case a.status == 200 || a.status == 400:
		return true, errors.New("the engine does not reset its prefix cache: requests are running or waiting")
	case e.name == "vllm" && (a.status == 404 || a.status == 405):
		return false, errors.New("vLLM has no /reset_prefix_cache: start it with VLLM_SERVER_DEV_MODE=1")
	}
	return false, fmt.Errorf("resetting the prefix cache: the engine answers %s with status %d", path, a.status)
}

// succeeded reads vLLM's answer. Older ones are empty and SGLang's is a text.
func succeeded(body []byte) bool {
	var told struct{ Success *bool }
	return json.Unmarshal(body, &told) != nil || told.Success == nil || *told.Success
}

// PrepareRun keeps what the engine has seen in earlier runs out of the next one,
// as mode says: "reset" empties its prefix cache, "salt" has the requests pass it
// by, "auto" resets where that works and salts where it does not, "keep" does
// nothing. method is what was done: the path that was asked, or the request's
// key; "" where nothing was. salt and noPromptCache are what the requests are to
// carry: cache_salt, and cache_prompt:false.
//
// An error means that mode could not be kept and nothing was done. It must be
// told; in mode "auto" the run may go on.
func (e *Engine) PrepareRun(ctx context.Context, mode string) (method string, salt, noPromptCache bool, err error) {
	switch mode {
	case "keep":
		return "", false, false, nil
	case "reset", "auto":
		method, err = e.Reset(ctx)
		if err == nil || mode == "reset" || ctx.Err() != nil {
			return method, false, false, err
		}
	case "salt":
	default:
		return "", false, false, fmt.Errorf("prefix cache mode %q is not known: it is auto, reset, salt or keep", mode)
	}
	switch e.name {
	case "vllm", "sglang":
		return "cache_salt", true, false, nil
	case "llama_cpp":
		return "cache_prompt", false, true, nil
	}
	if err == nil {
		err = errors.New("no way is known to have requests pass this engine's prefix cache by")
	}
	return "", false, false, fmt.Errorf("%w: later runs may be answered from it", err)
}
