package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

func TestLabelRefusals(t *testing.T) {
	short := filepath.Join(t.TempDir(), "salt")
	if err := os.WriteFile(short, []byte("pepper\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		salt string // of the environment
		want string
	}{
		{[]string{"--tenant-header", "X-Team", "--tenant-from-key"}, "", "exclude each other"},
		{[]string{"--tenant-header", "X Team"}, "", "--tenant-header"},
		{[]string{"--tenant-header", "Authorization"}, "", "secrets"},
		{[]string{"--tenants", "a,b"}, "", "give --tenant-header or --tenant-from-key"},
		{[]string{"--tenant-header", "X-Team", "--tenants", "a,,b"}, "", "--tenants has an empty name"},
		{[]string{"--models", " ,b"}, "", "--models has an empty name"},
		{[]string{"--tenant-salt-file", short}, "", "--tenant-from-key"},
		{[]string{"--tenant-from-key", "--tenant-salt-file", short}, "", "openssl rand"},
		{[]string{"--tenant-from-key", "--tenant-salt-file", empty}, "", "a salt of 0 bytes"},
		{[]string{"--tenant-from-key", "--tenant-salt-file", "/no/such/file"}, "", "--tenant-salt-file"},
		{[]string{"--tenant-from-key"}, "pepper", saltVariable},
		{[]string{"--tenant-limit", "0"}, "", "--tenant-limit"},
		{[]string{"--model-limit", "-1"}, "", "--model-limit"},
	} {
		if tt.salt != "" {
			t.Setenv(saltVariable, tt.salt)
		}
		var stdout, stderr output
		code := run(t.Context(), append([]string{"proxy"}, tt.args...), nil, &stdout, &stderr)
		if got := stderr.String(); code != exitUsage || !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q: exit %d, %q; want %d and %q on one line", tt.args, code, got, exitUsage, tt.want)
		}
		if tt.salt != "" {
			os.Unsetenv(saltVariable)
		}
	}
}

const oneChat = `{"model":"m","max_tokens":3,"messages":[{"role":"user","content":"hi"}]}`

func TestTenantsByHeader(t *testing.T) {
	engine := startSim(t, sim.Config{Model: "m", ITL: sim.ConstantDuration(time.Millisecond)})
	log := filepath.Join(t.TempDir(), "log.jsonl")
	p := runProxy(t, "--upstream", engine, "--tenant-header", "x-team", "--tenants", "red, blue", "--log-requests", log)
	for _, team := range []string{"red", "red", "green"} {
		if status, _, body := postJSON(t, p.url+"/v1/chat/completions", oneChat, "X-Team", team); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	const series = `tokenomics_requests_total{gen_ai_provider_name="vllm",gen_ai_request_model="m",tokenomics_endpoint="chat",tokenomics_outcome="complete",tokenomics_tenant=`
	waitFor(t, "three requests by tenant", func() bool {
		page := get(t, p.admin+"/metrics")
		return strings.Contains(page, series+`"red"} 2`) && strings.Contains(page, series+`"other"} 1`)
	})
	if code, stderr := p.stop(); code != exitGood {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if lines := readFile(t, log); strings.Count(lines, `"tenant":"red"`) != 2 || strings.Count(lines, `"tenant":"green"`) != 1 {
		t.Errorf("log lines have what came, listed or not: %s", lines)
	}
}

// TestTenantsByKey: the same hash after a restart with the same salt, and
// neither key nor salt anywhere.
func TestTenantsByKey(t *testing.T) {
	engine := startSim(t, sim.Config{Model: "m", ITL: sim.ConstantDuration(time.Millisecond)})
	const key, salt = "sk-secret-1", "0123456789abcdef"
	file := filepath.Join(t.TempDir(), "salt")
	if err := os.WriteFile(file, []byte(salt+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"file", "variable", "none"} {
		log := filepath.Join(t.TempDir(), given)
		args := []string{"--upstream", engine, "--tenant-from-key", "--log-requests", log}
		switch given {
		case "file":
			args = append(args, "--tenant-salt-file", file)
		case "variable":
			t.Setenv(saltVariable, salt)
		case "none":
			os.Unsetenv(saltVariable)
		}
		p := runProxy(t, args...)
		if status, _, body := postJSON(t, p.url+"/v1/chat/completions", oneChat, "Authorization", "Bearer "+key); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		waitFor(t, "the tenant in the metrics", func() bool { return strings.Contains(get(t, p.admin+"/metrics"), `tokenomics_tenant="`) })
		page := get(t, p.admin+"/metrics")
		code, stderr := p.stop()
		if code != exitGood {
			t.Errorf("exit %d: %s", code, stderr)
		}
		// printf sk-secret-1 | openssl dgst -sha256 -hmac 0123456789abcdef
		if hash := `"tenant":"08c5a11767b3"`; strings.Contains(readFile(t, log), hash) != (given != "none") {
			t.Errorf("salt from %s: %s", given, readFile(t, log))
		}
		if strings.Contains(stderr, "salt of this start") != (given == "none") {
			t.Errorf("salt from %s: the banner says %s", given, stderr)
		}
		for what, text := range map[string]string{"/metrics": page, "the log": readFile(t, log), "the terminal": stderr} {
			if strings.Contains(text, key) || strings.Contains(text, salt) {
				t.Errorf("%s has the key or the salt: %s", what, text)
			}
		}
	}
}
