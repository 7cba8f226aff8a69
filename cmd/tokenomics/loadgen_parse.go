package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"tokenomics/internal/upstream"
	"tokenomics/loadgen"
)

// maxBatchSize is more than the connections that one machine has ports for to
// one address.
const maxBatchSize = 1 << 16

// repeatRuns is how a load is measured more than once.
const repeatRuns = "--num-runs repeats it"

// parseBatchSizes reads "1,2,4,8".
func parseBatchSizes(list string) ([]int, error) {
	return parseInts("batch-sizes", list, "sends nothing", repeatRuns)
}

// parseInts reads a flag's "1,2,4,8". Its errors are one line: what, and how to
// mend it. nothing is what a 0 comes to, and repeat what to do instead of naming
// one twice.
func parseInts(flag, list, nothing, repeat string) ([]int, error) {
	fail := func(what string) ([]int, error) {
		return nil, fmt.Errorf("--%s %q: %s; give whole numbers from 1 up, separated by commas, such as 1,2,4,8", flag, list, what)
	}
	if strings.TrimSpace(list) == "" {
		return fail("the list is empty")
	}
	var sizes []int
	for i, part := range strings.Split(list, ",") {
		part = strings.TrimSpace(part)
		n, err := strconv.Atoi(part)
		switch {
		case part == "":
			return fail(fmt.Sprintf("entry %d is empty", i+1))
		case errors.Is(err, strconv.ErrRange):
			return fail(part + " is too large")
		case err != nil:
			return fail(fmt.Sprintf("%q is not a whole number", part))
		case n < 1:
			return fail(fmt.Sprintf("%d %s", n, nothing))
		case n > maxBatchSize:
			return fail(fmt.Sprintf("%d is above %d, what one machine can hold open to one address", n, maxBatchSize))
		case slices.Contains(sizes, n):
			return fail(fmt.Sprintf("%d is there twice (%s)", n, repeat))
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// apiBase is the base URL as it was given and as it is used.
type apiBase struct {
	target upstream.Target
	shown  string
}

// parseAPIBase adds the /v1 that people leave out.
func parseAPIBase(raw string) (apiBase, error) {
	t, err := upstream.ParseTarget(raw)
	if err != nil {
		return apiBase{}, fmt.Errorf("--api-base: %w", err)
	}
	if t.Prefix == "" {
		t.Prefix = "/v1"
	}
	return apiBase{target: t, shown: strings.TrimRight(raw, "/")}, nil
}

// through is the same base behind a proxy whose own URL is proxyURL.
func (b apiBase) through(proxyURL string) (upstream.Target, error) {
	t, err := upstream.ParseTarget(proxyURL)
	if err != nil {
		return t, fmt.Errorf("reading the proxy's address: %w", err)
	}
	t.Prefix = b.target.Prefix
	return t, nil
}

// server is the URL of the server alone: what a proxy has as its upstream.
func (b apiBase) server() string {
	t := b.target
	t.Prefix = ""
	return t.String()
}

// parseHeaders reads "Name: value" lines. Those that the client makes itself are
// refused.
func parseHeaders(lines []string) (headers []loadgen.Header, err error) {
	own := []string{"host", "content-length", "transfer-encoding", "connection", "x-request-id"}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("--header %q: give a name and a value, such as 'X-Team: a'", line)
		case slices.Contains(own, strings.ToLower(name)):
			return nil, fmt.Errorf("--header %q: the client makes that line itself", line)
		}
		headers = append(headers, loadgen.Header{Name: name, Value: value})
	}
	return headers, nil
}

// chooseModel is the model that was asked for, else the only one there is.
func chooseModel(asked string, listed []string, base string) (string, error) {
	switch {
	case asked != "":
		return asked, nil
	case len(listed) == 1:
		return listed[0], nil
	case len(listed) == 0:
		return "", fmt.Errorf("no model: %s lists 0 models; name one with --model", base)
	}
	return "", fmt.Errorf("no model: %s lists %d models; name one with --model: %s", base, len(listed), firstFew(listed))
}

// firstFew lists up to five names.
func firstFew(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

// seconds is a duration flag that takes "90s" and plain "90".
type seconds struct{ d *time.Duration }

func newSeconds(d *time.Duration, value time.Duration) seconds {
	*d = value
	return seconds{d}
}

// String is what the help shows as the default: nothing where there is none.
func (s seconds) String() string {
	if *s.d == 0 {
		return ""
	}
	return s.d.String()
}

func (s seconds) Type() string { return "duration" }

func (s seconds) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		const limit = 365 * 24 * 3600
		if !(n >= -limit && n <= limit) {
			return errors.New("give seconds or a duration, such as 600, 90s or 10m")
		}
		*s.d = time.Duration(n * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("give seconds or a duration, such as 600, 90s or 10m")
	}
	*s.d = d
	return nil
}

// environmentName is the variable that sets a flag.
func environmentName(flag string) string {
	return "TOKENOMICS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// differentFiles refuses to write two things to one file; "" is none.
func differentFiles(paths ...string) error {
	seen := map[string]string{}
	for _, path := range paths {
		if path == "" {
			continue
		}
		whole, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("finding %q: %w", path, err)
		}
		if other, twice := seen[whole]; twice {
			return fmt.Errorf("%q and %q are one file: give each output its own", other, path)
		}
		seen[whole] = path
	}
	return nil
}
