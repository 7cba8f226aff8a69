// Package scripts_test runs the shell scripts of this directory against stub
// servers: programs that write down the arguments they were started with.
package scripts_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stub writes its arguments, one a line, and the variables that the scripts set.
// As python3 it answers the script's question whether sglang is there with
// $STUB_MISSING.
const stub = `#!/bin/sh
if [ "$1" = -c ]; then exit "${STUB_MISSING:-0}"; fi
{ for a in "$@"; do printf '%s\n' "$a"; done; } >"$STUB_ARGS"
echo "CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES VLLM_TARGET_DEVICE=$VLLM_TARGET_DEVICE" >"$STUB_ARGS.env"
`

// result is what a script did.
type result struct {
	code           int
	stdout, stderr string
	argv           []string // what the stub server was started with; nil if it was not
	env            string   // CUDA_VISIBLE_DEVICES and VLLM_TARGET_DEVICE that it saw
}

// start runs the script with nothing in its environment but PATH and env. The
// stubs named are the only servers on the PATH.
func start(t *testing.T, script string, stubs, env []string, args ...string) result {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		missing(t, "bash")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"bash", "env", "sed", "sh"} { // all that the scripts need
		path, err := exec.LookPath(tool)
		if err != nil {
			missing(t, tool)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range stubs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(stub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	argsFile := filepath.Join(dir, "args")
	cmd := exec.Command(filepath.Join(bin, "bash"), append([]string{script}, args...)...)
	cmd.Env = append([]string{"PATH=" + bin, "STUB_ARGS=" + argsFile}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	switch got, err := os.ReadFile(argsFile); {
	case err == nil:
		r.argv = strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
		seen, err := os.ReadFile(argsFile + ".env")
		if err != nil {
			t.Fatal(err)
		}
		r.env = strings.TrimSpace(string(seen))
	case !errors.Is(err, fs.ErrNotExist):
		t.Fatal(err)
	}
	return r
}

// missing skips on a user's machine and fails in CI, where all must be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed", what)
}

const (
	vllm   = "vllm_run_server.sh"
	sglang = "sglang_run_server.sh"
)

func TestServerIsStartedWith(t *testing.T) {
	model := "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"
	for _, tc := range []struct {
		name, script string
		env, args    []string
		want         string // argv, one argument between bars
		wantEnv      string // part of what the server must see; "" = neither variable
	}{
		{name: "vllm defaults", script: vllm,
			want: "serve|" + model + "|--served-model-name|distill-llama-8b|--tensor-parallel-size|1|--pipeline-parallel-size|1|--host|127.0.0.1|--port|8000|--enable-prompt-tokens-details"},
		{name: "vllm environment", script: vllm,
			env:  []string{"MODEL_PATH=/models/my model", "SERVED_MODEL_NAME=", "TENSOR_PARALLEL_SIZE=8", "PIPELINE_PARALLEL_SIZE=2", "BIND_ADDRESS=0.0.0.0", "PORT=8001", `SPECULATIVE_CONFIG={"method":"ngram","num_speculative_tokens":4}`},
			want: `serve|/models/my model|--tensor-parallel-size|8|--pipeline-parallel-size|2|--host|0.0.0.0|--port|8001|--enable-prompt-tokens-details|--speculative-config|{"method":"ngram","num_speculative_tokens":4}`},
		{name: "vllm on cpu", script: vllm, env: []string{"DEVICE=cpu", "MODEL_PATH=m", "SERVED_MODEL_NAME=s"}, wantEnv: "VLLM_TARGET_DEVICE=cpu",
			want: "serve|m|--served-model-name|s|--tensor-parallel-size|1|--pipeline-parallel-size|1|--host|127.0.0.1|--port|8000|--enable-prompt-tokens-details"},
		{name: "vllm on two GPUs, arguments through", script: vllm, env: []string{"DEVICE=2,3", "MODEL_PATH=m", "SERVED_MODEL_NAME=s"}, wantEnv: "CUDA_VISIBLE_DEVICES=2,3 ",
			args: []string{"--max-model-len", "4096", "--chat-template", "a b 'c' $d", "--", "--help", "--dry-run"},
			want: "serve|m|--served-model-name|s|--tensor-parallel-size|1|--pipeline-parallel-size|1|--host|127.0.0.1|--port|8000|--enable-prompt-tokens-details|--max-model-len|4096|--chat-template|a b 'c' $d|--help|--dry-run"},
		{name: "sglang defaults", script: sglang,
			want: "-m|sglang.launch_server|--model-path|" + model + "|--served-model-name|distill-llama-8b|--tp-size|1|--pp-size|1|--host|127.0.0.1|--port|8000|--enable-cache-report"},
		{name: "sglang environment", script: sglang,
			env: []string{"MODEL_PATH=/models/my model", "SERVED_MODEL_NAME=", "TENSOR_PARALLEL_SIZE=8", "PIPELINE_PARALLEL_SIZE=2", "DEVICE=cpu", "BIND_ADDRESS=0.0.0.0", "PORT=30000",
				"SPECULATIVE_ALGORITHM=EAGLE3", "SPECULATIVE_DRAFT_MODEL_PATH=/models/my draft", "SPECULATIVE_NUM_STEPS=3", "SPECULATIVE_EAGLE_TOPK=4", "SPECULATIVE_NUM_DRAFT_TOKENS=16"},
			want: "-m|sglang.launch_server|--model-path|/models/my model|--tp-size|8|--pp-size|2|--device|cpu|--host|0.0.0.0|--port|30000|--enable-cache-report|--speculative-algorithm|EAGLE3|--speculative-draft-model-path|/models/my draft|--speculative-num-steps|3|--speculative-eagle-topk|4|--speculative-num-draft-tokens|16"},
		{name: "sglang on two GPUs, arguments through", script: sglang, env: []string{"DEVICE=2,3", "MODEL_PATH=m", "SERVED_MODEL_NAME=s"}, wantEnv: "CUDA_VISIBLE_DEVICES=2,3 ",
			args: []string{"--chat-template", "a b", "--", "--help"},
			want: "-m|sglang.launch_server|--model-path|m|--served-model-name|s|--tp-size|1|--pp-size|1|--host|127.0.0.1|--port|8000|--enable-cache-report|--chat-template|a b|--help"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t, tc.script, []string{"vllm", "python3"}, tc.env, tc.args...)
			if r.code != 0 {
				t.Fatalf("exit code %d: %s", r.code, r.stderr)
			}
			if want := strings.Split(tc.want, "|"); !slices.Equal(r.argv, want) {
				t.Errorf("started with\n%q, want\n%q", r.argv, want)
			}
			if tc.wantEnv == "" {
				tc.wantEnv = "CUDA_VISIBLE_DEVICES= VLLM_TARGET_DEVICE="
				if r.env != tc.wantEnv {
					t.Errorf("it saw %q, want neither variable set", r.env)
				}
			} else if !strings.Contains(r.env, tc.wantEnv) {
				t.Errorf("it saw %q, want %q in it", r.env, tc.wantEnv)
			}
			if !strings.HasPrefix(r.stderr, "+ ") || r.stdout != "" {
				t.Errorf("the command is to be told on stderr first; stderr %q, stdout %q", r.stderr, r.stdout)
			}
		})
	}
}

// What --dry-run prints, pasted into a shell, must start what a run starts.
func TestDryRunPrintsWhatWouldRun(t *testing.T) {
	for _, script := range []string{vllm, sglang} {
		t.Run(script, func(t *testing.T) {
			stubs := []string{"vllm", "python3"}
			env := []string{"MODEL_PATH=a b'c", "DEVICE=0,1"}
			dry := start(t, script, nil, env, "--dry-run", "--x", `{"a": "$b"}`) // needs no server
			if dry.code != 0 || dry.argv != nil || strings.Count(dry.stdout, "\n") != 1 {
				t.Fatalf("exit code %d, started %q, printed %q", dry.code, dry.argv, dry.stdout)
			}
			real := start(t, script, stubs, env, "--x", `{"a": "$b"}`)
			pasted := filepath.Join(t.TempDir(), "pasted.sh")
			if err := os.WriteFile(pasted, []byte(dry.stdout), 0o644); err != nil {
				t.Fatal(err)
			}
			got := start(t, pasted, stubs, nil)
			if real.argv == nil || !slices.Equal(got.argv, real.argv) || got.env != real.env {
				t.Errorf("pasted: %q (%s), run: %q (%s)", got.argv, got.env, real.argv, real.env)
			}
		})
	}
}

func TestServerIsNotStarted(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		stubs, env   []string
		code         int
		want         string // part of the one line on stderr
	}{
		{"vllm not installed", vllm, nil, nil, 3, "pip install vllm"},
		{"python not installed", sglang, nil, nil, 3, "pip install sglang"},
		{"python without sglang", sglang, []string{"python3"}, []string{"STUB_MISSING=1"}, 3, "pip install sglang"},
		{"vllm size not a number", vllm, []string{"vllm"}, []string{"TENSOR_PARALLEL_SIZE=two"}, 2, "TENSOR_PARALLEL_SIZE"},
		{"sglang port zero", sglang, []string{"python3"}, []string{"PORT=0"}, 2, "PORT"},
		{"vllm device of another build", vllm, []string{"vllm"}, []string{"DEVICE=xpu"}, 2, "DEVICE"},
		{"sglang draft without algorithm", sglang, []string{"python3"}, []string{"SPECULATIVE_DRAFT_MODEL_PATH=d"}, 2, "SPECULATIVE_ALGORITHM"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t, tc.script, tc.stubs, tc.env)
			if r.code != tc.code || r.argv != nil {
				t.Errorf("exit code %d, want %d; started %q", r.code, tc.code, r.argv)
			}
			if !strings.Contains(r.stderr, tc.want) || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("stderr %q, want one line with %q", r.stderr, tc.want)
			}
		})
	}
}

func TestHelpNamesTheVariables(t *testing.T) {
	for script, variable := range map[string]string{vllm: "SPECULATIVE_CONFIG", sglang: "SPECULATIVE_ALGORITHM"} {
		r := start(t, script, nil, nil, "--help")
		if r.code != 0 || !strings.Contains(r.stdout, variable) || strings.Contains(r.stdout, "set -euo") {
			t.Errorf("%s --help: exit code %d, %q", script, r.code, r.stdout)
		}
	}
}

func TestShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		missing(t, "shellcheck")
	}
	var scripts []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".sh") {
			scripts = append(scripts, path)
		}
		return err
	})
	if err != nil || len(scripts) < 2 {
		t.Fatalf("finding scripts: %q, %v", scripts, err)
	}
	// From the root, which the scripts' own hints about what they source are from.
	for i := range scripts {
		scripts[i] = filepath.Join("scripts", scripts[i])
	}
	cmd := exec.Command("shellcheck", append([]string{"--external-sources"}, scripts...)...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}
