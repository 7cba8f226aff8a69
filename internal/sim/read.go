package sim

import (
	"strings"

	"github.com/tidwall/gjson"
)

// readChat reads /v1/chat/completions.
func readChat(r *request, root gjson.Result) *apiError {
	if err := r.readChoices(root); err != nil {
		return err
	}
	if err := r.readMax(root, "max_completion_tokens", "max_tokens"); err != nil {
		return err
	}
	m := root.Get("messages")
	if !m.IsArray() {
		return missing("messages")
	}
	r.tool = readTool(root)
	r.prompts = []prompt{textPrompt(template("", m, root.Get("tools")))}
	return nil
}

// readCompletions reads /v1/completions, for engines that say 16 tokens unless asked.
func readCompletions(r *request, root gjson.Result) *apiError {
	r.usual = 16
	return readFreeCompletions(r, root)
}

// readFreeCompletions reads /v1/completions, for engines that talk until they are done.
func readFreeCompletions(r *request, root gjson.Result) *apiError {
	r.echo = root.Get("echo").Bool()
	if err := r.readChoices(root); err != nil {
		return err
	}
	if err := r.readMax(root, "max_tokens"); err != nil {
		return err
	}
	return r.readPrompts("prompt", root.Get("prompt"))
}

// readEmbeddings reads /v1/embeddings, and what is like it.
func readEmbeddings(r *request, root gjson.Result) *apiError {
	return r.readPrompts("input", root.Get("input"))
}

// readMessages reads /v1/messages.
func readMessages(r *request, root gjson.Result) *apiError {
	m := root.Get("messages")
	if !m.IsArray() {
		return missing("messages")
	}
	if err := r.readMax(root, "max_tokens"); err != nil {
		return err
	}
	if choice := root.Get("tool_choice"); choice.Get("type").String() == "tool" {
		r.tool = &tool{name: strings.Clone(choice.Get("name").String()), named: true}
	} else if name := root.Get("tools.0.name").String(); choice.Get("type").String() == "any" && name != "" {
		r.tool = &tool{name: strings.Clone(name)}
	}
	r.prompts = []prompt{textPrompt(template(contentText(root.Get("system")), m, root.Get("tools")))}
	return nil
}

// readResponses reads /v1/responses.
func readResponses(r *request, root gjson.Result) *apiError {
	input := root.Get("input")
	if !input.Exists() {
		return missing("input")
	}
	if err := r.readMax(root, "max_output_tokens"); err != nil {
		return err
	}
	choice := root.Get("tool_choice")
	if name := choice.Get("name").String(); choice.IsObject() && name != "" {
		r.tool = &tool{name: strings.Clone(name), named: true}
	} else if name := root.Get("tools.0.name").String(); choice.String() == "required" && name != "" {
		r.tool = &tool{name: strings.Clone(name)}
	}
	text := "user\n" + input.String() + "\nassistant\n"
	if input.IsArray() {
		text = template("", input, root.Get("tools"))
	}
	if instructions := root.Get("instructions").String(); instructions != "" {
		text = "system\n" + instructions + "\n" + text
	}
	r.prompts = []prompt{textPrompt(text)}
	return nil
}

// readChoices reads `n`.
func (r *request) readChoices(root gjson.Result) *apiError {
	n := root.Get("n")
	if !n.Exists() || n.Type == gjson.Null {
		return nil
	}
	if r.n = int(n.Int()); r.n < 1 || r.n > maxChoices {
		return badRequest("n", "n must be between 1 and %d, got %s. (parameter=n, value=%s)", maxChoices, n.Raw, n.Raw)
	}
	return nil
}

// readMax reads the first of the names that is given.
func (r *request) readMax(root gjson.Result, names ...string) *apiError {
	for _, name := range names {
		v := root.Get(name)
		if !v.Exists() || v.Type == gjson.Null {
			continue
		}
		if r.maxTokens = int(v.Int()); r.maxTokens < 1 {
			return badRequest(name, "%s must be at least 1, got %s. (parameter=%s, value=%s)", name, v.Raw, name, v.Raw)
		}
		return nil
	}
	return nil
}

// readPredict reads a limit of which a negative one is none.
func (r *request) readPredict(v gjson.Result) {
	if v.Type == gjson.Number {
		r.maxTokens = max(int(v.Int()), 0)
	}
}

// template renders messages the way a chat template does: every role and message
// costs a few tokens more than its text.
func template(system string, messages, tools gjson.Result) string {
	var b strings.Builder
	if system != "" {
		b.WriteString("system\n" + system + "\n")
	}
	if tools.IsArray() {
		b.WriteString("tools\n" + tools.Raw + "\n")
	}
	messages.ForEach(func(_, m gjson.Result) bool {
		b.WriteString(m.Get("role").String() + "\n" + contentText(m.Get("content")) + "\n")
		return true
	})
	b.WriteString("assistant\n")
	return b.String()
}

// contentText is the text of a message's content, which may come in parts.
func contentText(content gjson.Result) string {
	if !content.IsArray() {
		return content.String()
	}
	var b strings.Builder
	content.ForEach(func(_, part gjson.Result) bool {
		b.WriteString(part.Get("text").String())
		return true
	})
	return b.String()
}

func readTool(root gjson.Result) *tool {
	choice := root.Get("tool_choice")
	if name := choice.Get("function.name").String(); choice.IsObject() && name != "" {
		return &tool{name: strings.Clone(name), named: true}
	}
	if name := root.Get("tools.0.function.name").String(); choice.String() == "required" && name != "" {
		return &tool{name: strings.Clone(name)}
	}
	return nil
}

// readPrompts reads a string, a list of strings, a list of token ids or a list of
// lists of token ids.
func (r *request) readPrompts(field string, v gjson.Result) *apiError {
	switch {
	case v.Type == gjson.String:
		r.prompts = []prompt{textPrompt(v.String())}
		return nil
	case !v.IsArray():
		return missing(field)
	}
	items := v.Array()
	if len(items) == 0 || len(items) > maxPrompts {
		return badRequest(field, "%s must hold between 1 and %d prompts, got %d", field, maxPrompts, len(items))
	}
	if items[0].Type == gjson.Number {
		r.prompts = []prompt{idPrompt(items)}
		return nil
	}
	r.list = true
	for _, it := range items {
		if it.IsArray() {
			r.prompts = append(r.prompts, idPrompt(it.Array()))
		} else {
			r.prompts = append(r.prompts, textPrompt(it.String()))
		}
	}
	return nil
}

func textPrompt(s string) prompt {
	p := newPrompt(tokenIDs(s))
	p.text = strings.Clone(s)
	return p
}

func idPrompt(items []gjson.Result) prompt {
	ids := make([]uint64, len(items))
	for i, it := range items {
		ids[i] = it.Uint()
	}
	return newPrompt(ids)
}

func newPrompt(ids []uint64) prompt {
	if len(ids) == 0 {
		ids = []uint64{1} // a begin-of-text token: no engine runs on nothing
	}
	p := prompt{ids: ids}
	for _, id := range ids {
		p.hash = chain(p.hash, id)
	}
	return p
}
