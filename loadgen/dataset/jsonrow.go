package dataset

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// jsonRows turns rows of JSON, each a string or an object, into prompts. The
// columns are settled by the first object.
type jsonRows struct {
	want    columns
	settled bool
	prompt  string
	image   string // "" while none is read
}

// row returns the prompt in one row, without text where its column holds null.
func (j *jsonRows) row(raw []byte) (Prompt, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		return Prompt{Text: s}, err
	}
	if len(raw) == 0 || raw[0] != '{' {
		if !json.Valid(raw) {
			return Prompt{}, json.Unmarshal(raw, new(any))
		}
		return Prompt{}, errors.New("neither an object nor a string")
	}
	var obj map[string]json.RawMessage
	if err := json.Unmarshal(raw, &obj); err != nil {
		return Prompt{}, err
	}
	if err := j.settle(obj); err != nil {
		return Prompt{}, err
	}
	column := j.column(obj)
	val, ok := obj[column]
	if !ok {
		return Prompt{}, configErrorf("no column %q: it has %s", column, listed(sortedKeys(obj)))
	}
	p, err := jsonPrompt(val)
	if errors.Is(err, errNoText) {
		return Prompt{}, configErrorf("column %q holds no text but %s: name another with --prompt-column; it has %s",
			column, jsonType(val[0]), listed(sortedKeys(obj)))
	}
	if err != nil {
		return Prompt{}, fmt.Errorf("column %q: %w", column, err)
	}
	if j.image != "" {
		if p.Images, err = jsonImages(obj[j.image]); err != nil {
			return Prompt{}, fmt.Errorf("column %q: %w", j.image, err)
		}
	}
	return p, nil
}

// settle finds the columns in the first row. Later rows may lack the images'.
func (j *jsonRows) settle(obj map[string]json.RawMessage) error {
	if j.settled {
		return nil
	}
	have := sortedKeys(obj)
	at, err := j.want.find(have)
	if err != nil {
		return err
	}
	j.prompt, j.settled = have[at.prompt], true
	if at.image >= 0 {
		j.image = have[at.image]
	}
	return nil
}

// column is where the row has its prompt: as all of them, or, where that says
// nothing and was only a guess, as the others in a file that mixes prompts and
// conversations.
func (j *jsonRows) column(obj map[string]json.RawMessage) string {
	if j.want.prompt != "" || !isEmpty(obj[j.prompt]) {
		return j.prompt
	}
	have := sortedKeys(obj)
	if i, ok := otherColumn(have, j.prompt); ok && !isEmpty(obj[have[i]]) {
		return have[i]
	}
	return j.prompt
}

// isEmpty says whether there is nothing in a value: null, an empty text or list.
func isEmpty(val json.RawMessage) bool {
	return string(val) == "null" || len(bytes.Trim(val, "[]\" \t\r\n")) == 0
}

// errNoText is a value that is no prompt of any known shape.
var errNoText = errors.New("no text")

// jsonPrompt reads a column's value: a string, or a list of turns.
func jsonPrompt(val json.RawMessage) (Prompt, error) {
	switch val[0] {
	case 'n':
		return Prompt{}, nil
	case '"':
		var s string
		err := json.Unmarshal(val, &s)
		return Prompt{Text: s}, err
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(val, &items); err != nil {
			return Prompt{}, err
		}
		turns := make([]Turn, len(items))
		for i, item := range items {
			var err error
			if turns[i], err = jsonTurn(item); errors.Is(err, errNoText) {
				return Prompt{}, fmt.Errorf("turn %d is neither a string nor {role, content} nor {from, value} of text", i+1)
			} else if err != nil {
				return Prompt{}, err
			}
		}
		return talk(turns)
	}
	return Prompt{}, errNoText
}

// jsonTurn reads one turn: a string, {"role", "content"} as in the APIs, or
// ShareGPT's {"from", "value"}.
func jsonTurn(val json.RawMessage) (Turn, error) {
	if val[0] == '"' {
		var s string
		err := json.Unmarshal(val, &s)
		return Turn{Text: s}, err
	}
	if val[0] != '{' {
		return Turn{}, errNoText
	}
	var t struct {
		Role    string          `json:"role"`
		From    string          `json:"from"`
		Content json.RawMessage `json:"content"`
		Value   json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(val, &t); err != nil {
		return Turn{}, err
	}
	said := t.Content
	if said == nil {
		said = t.Value
	}
	text, err := jsonContent(said)
	return Turn{Role: cmp.Or(t.Role, t.From), Text: text}, err
}

// jsonContent reads what a turn says: a string, or a list of text parts.
func jsonContent(val json.RawMessage) (string, error) {
	if len(val) == 0 {
		return "", errNoText
	}
	var s string
	switch val[0] {
	case 'n':
		return "", nil
	case '"':
		err := json.Unmarshal(val, &s)
		return s, err
	case '[':
		var parts []struct {
			Text *string `json:"text"`
		}
		if err := json.Unmarshal(val, &parts); err != nil {
			return "", err
		}
		for _, p := range parts {
			if p.Text == nil {
				return "", errNoText
			}
			s += *p.Text
		}
		return s, nil
	}
	return "", errNoText
}

// jsonImages reads a column's value: an image, a list of them, or null. An
// image is a URL or base64 in a string, or the hub's {"bytes", "path"}.
func jsonImages(val json.RawMessage) ([]Image, error) {
	if len(val) == 0 || val[0] == 'n' {
		return nil, nil
	}
	if val[0] != '[' {
		m, err := jsonImage(val)
		return []Image{m}, err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(val, &items); err != nil {
		return nil, err
	}
	if len(items) > maxImages {
		return nil, fmt.Errorf("%d images of one row are more than the %d that are read", len(items), maxImages)
	}
	var images []Image
	for _, item := range items {
		if item[0] == 'n' {
			continue
		}
		m, err := jsonImage(item)
		if err != nil {
			return nil, err
		}
		images = append(images, m)
	}
	return images, nil
}

func jsonImage(val json.RawMessage) (Image, error) {
	var text string
	switch val[0] {
	case '"':
		if err := json.Unmarshal(val, &text); err != nil {
			return Image{}, err
		}
	case '{':
		var m struct{ Bytes, URL, Src, Path string }
		if err := json.Unmarshal(val, &m); err != nil {
			return Image{}, err
		}
		text = cmp.Or(m.Bytes, m.URL, m.Src, m.Path)
	default:
		return Image{}, fmt.Errorf("it holds no images but %s", jsonType(val[0]))
	}
	return imageOfText(text)
}

func jsonType(first byte) string {
	switch {
	case first == '{':
		return "objects"
	case first == '[':
		return "arrays"
	case strings.IndexByte("tf", first) >= 0:
		return "booleans"
	}
	return "numbers"
}

func sortedKeys(obj map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(obj))
	for k := range obj {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
