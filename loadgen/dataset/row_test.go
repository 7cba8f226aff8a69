package dataset

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// pngOf is a small image, another for each shade.
func pngOf(t *testing.T, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 4, 3))
	m.SetGray(1, 1, color.Gray{Y: shade})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func b64(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

// parquetOf writes rows as Parquet, a row group for each.
func parquetOf[T any](t *testing.T, rows ...T) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.Compression(&parquet.Snappy))
	for _, row := range rows {
		if _, err := w.Write([]T{row}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Rows as datasets of the hub have them.
type (
	hubImage struct {
		Bytes []byte `parquet:"bytes,optional"`
		Path  string `parquet:"path,optional"`
	}
	imageRow struct {
		Question string     `parquet:"question"`
		Image    *hubImage  `parquet:"image,optional"`
		Images   []hubImage `parquet:"images,list"`
		Raw      []byte     `parquet:"raw,optional"`
		Link     string     `parquet:"link,optional"`
	}
	message struct {
		Role    string  `parquet:"role" json:"role,omitempty"`
		Content *string `parquet:"content,optional" json:"content"`
	}
	said struct {
		From  string `parquet:"from" json:"from"`
		Value string `parquet:"value" json:"value"`
	}
	talkRow struct {
		Messages      []message `parquet:"messages,list" json:"messages,omitempty"`
		Conversations []said    `parquet:"conversations,list" json:"conversations,omitempty"`
		Turns         []string  `parquet:"turns,list" json:"turns,omitempty"`
		Asked         message   `parquet:"asked" json:"-"`
		Numbers       []int64   `parquet:"numbers,list" json:"-"`
	}
)

func ptr(s string) *string { return &s }

// Conversations are read alike from Parquet, JSON and JSONL.
func TestConversations(t *testing.T) {
	messages := []talkRow{
		{Messages: []message{{"system", ptr("be short")}, {"user", ptr("a?")}, {"assistant", ptr("a.")}, {"user", ptr("b?")}}},
		{Messages: nil},
		{Messages: []message{{"user", ptr("only")}}},
		{Messages: []message{{"assistant", ptr("hello")}, {"user", ptr("c?")}, {"assistant", nil}}},
		{Messages: []message{{"system", ptr("x")}, {"assistant", ptr("y")}}},
	}
	shareGPT := []talkRow{
		{Conversations: []said{{"human", "a?"}, {"gpt", "a."}}},
		{Conversations: []said{{"gpt", "left over"}, {"human", "b?"}, {"Bard", "b."}, {"user", ""}}},
	}
	questions := []talkRow{{Turns: []string{"a?", "and then?"}}, {Turns: []string{"b?"}}}
	for _, tc := range []struct {
		name   string
		rows   []talkRow
		column string
		want   []Prompt
	}{
		{"messages", messages, "messages", []Prompt{
			{Row: 1, Text: "a?", Turns: []Turn{{"system", "be short"}, {"user", "a?"}, {"assistant", "a."}, {"user", "b?"}}},
			{Row: 3, Text: "only"},
			{Row: 4, Text: "c?", Turns: []Turn{{"user", "c?"}, {"assistant", ""}}},
		}},
		{"sharegpt", shareGPT, "conversations", []Prompt{
			{Row: 1, Text: "a?", Turns: []Turn{{"user", "a?"}, {"assistant", "a."}}},
			{Row: 2, Text: "b?", Turns: []Turn{{"user", "b?"}, {"assistant", "b."}, {"user", ""}}},
		}},
		{"mt-bench", questions, "turns", []Prompt{
			{Row: 1, Text: "a?", Turns: []Turn{{"user", "a?"}, {"user", "and then?"}}},
			{Row: 2, Text: "b?"},
		}},
	} {
		lines := ""
		for _, row := range tc.rows {
			raw, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			if string(raw) == "{}" {
				raw = fmt.Appendf(nil, "{%q:[]}", tc.column)
			}
			lines += string(raw) + "\n"
		}
		for file, content := range map[string]string{
			"a.parquet": parquetOf(t, tc.rows...),
			"a.jsonl":   lines,
			"a.json":    "[" + strings.Join(strings.Split(strings.TrimSpace(lines), "\n"), ",") + "]",
		} {
			t.Run(tc.name+" "+file, func(t *testing.T) {
				d, err := Open(context.Background(), Config{File: writeFile(t, file, content), PromptColumn: tc.column})
				if err != nil {
					t.Fatal(err)
				}
				checkPrompts(t, d, tc.want)
			})
		}
	}
}

func checkPrompts(t *testing.T, d *Dataset, want []Prompt) {
	t.Helper()
	var got []Prompt
	for i := range d.Len() {
		got = append(got, d.At(i))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("prompts %+v, want %+v", got, want)
	}
}

// Shapes that only some formats have.
func TestMorePromptShapes(t *testing.T) {
	for _, tc := range []struct {
		name, file, content, column string
		want                        []Prompt
	}{
		{"arena-hard: no roles", "a.jsonl", `{"turns":[{"content":"a?"}]}`, "", []Prompt{{Row: 1, Text: "a?"}}},
		{"parts of text", "a.jsonl", `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`, "", []Prompt{{Row: 1, Text: "ab"}}},
		{"a prompt beside messages", "a.jsonl", `{"messages":[],"prompt":"p"}`, "", []Prompt{{Row: 1, Text: "p"}}},
		{"prompts among conversations", "a.jsonl", `{"messages":[{"role":"user","content":"a?"},{"role":"assistant","content":"a."},{"role":"user","content":"b?"}]}
{"prompt":"c?"}
{"messages":null,"question":"d?"}
"e?"`, "", []Prompt{
			{Row: 1, Text: "a?", Turns: []Turn{{"user", "a?"}, {"assistant", "a."}, {"user", "b?"}}}, {Row: 2, Text: "c?"}, {Row: 3, Text: "d?"}, {Row: 4, Text: "e?"}}},
		{"conversations among prompts", "a.json", `[{"prompt":"a?"},{"conversations":[{"from":"human","value":"b?"},{"from":"gpt","value":"b."}]},{"prompt":"","messages":["c?"]},{"prompt":"d?","messages":[{"role":"tool"}]}]`, "",
			[]Prompt{{Row: 1, Text: "a?"}, {Row: 2, Text: "b?", Turns: []Turn{{"user", "b?"}, {"assistant", "b."}}}, {Row: 3, Text: "c?"}, {Row: 4, Text: "d?"}}},
		{"a column that was named is the only one", "a.jsonl", `{"messages":["a?"]}
{"messages":null,"prompt":"b?"}`, "messages", []Prompt{{Row: 1, Text: "a?"}}},
		{"one message, no list", "a.parquet", parquetOf(t, talkRow{Asked: message{"user", ptr("a?")}}, talkRow{}), "asked", []Prompt{{Row: 1, Text: "a?"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := Open(context.Background(), Config{File: writeFile(t, tc.file, tc.content), PromptColumn: tc.column})
			if err != nil {
				t.Fatal(err)
			}
			checkPrompts(t, d, tc.want)
		})
	}
}

func TestImages(t *testing.T) {
	one, two := pngOf(t, 1), pngOf(t, 2)
	pic := func(raw []byte) Image { return Image{MIME: "image/png", Bytes: raw} }
	link := Image{URL: "https://pictures.example/a.png?x=1"}
	pq := parquetOf(t,
		imageRow{Question: "a", Image: &hubImage{Bytes: one}, Images: []hubImage{{Bytes: one}, {}, {Bytes: two}}, Raw: two, Link: b64(one)},
		imageRow{Question: "", Image: &hubImage{Bytes: two}},
		imageRow{Question: "b", Image: &hubImage{Bytes: one, Path: "a.png"}, Link: link.URL},
		imageRow{Question: "c", Image: &hubImage{Path: link.URL}},
	)
	rows := func(images ...[]Image) []Prompt {
		return []Prompt{{Row: 1, Text: "a", Images: images[0]}, {Row: 3, Text: "b", Images: images[1]}, {Row: 4, Text: "c", Images: images[2]}}
	}
	jsonl := func(image string) string { return `{"prompt":"p","image":` + image + `}` }
	single := func(m ...Image) []Prompt { return []Prompt{{Row: 1, Text: "p", Images: m}} }
	for _, tc := range []struct {
		name, file, content, column string
		want                        []Prompt
	}{
		{"parquet: {bytes, path}", "a.parquet", pq, "image", rows([]Image{pic(one)}, []Image{pic(one)}, []Image{link})},
		{"parquet: a list of them", "a.parquet", pq, "images", rows([]Image{pic(one), pic(two)}, nil, nil)},
		{"parquet: bytes", "a.parquet", pq, "raw", rows([]Image{pic(two)}, nil, nil)},
		{"parquet: text", "a.parquet", pq, "link", rows([]Image{pic(one)}, []Image{link}, nil)},
		{"parquet: not asked for", "a.parquet", pq, "", rows(nil, nil, nil)},
		{"json: base64", "a.jsonl", jsonl(`"` + b64(one) + `"`), "image", single(pic(one))},
		{"json: data URL", "a.jsonl", jsonl(`"data:image/jpeg;base64,` + b64(one) + `"`), "image", single(pic(one))},
		{"json: a URL and base64", "a.jsonl", jsonl(`["` + link.URL + `",null,"` + b64(one) + `"]`), "image", single(link, pic(one))},
		{"json: as the hub's", "a.jsonl", jsonl(`{"bytes":"` + b64(one) + `","path":"a.png"}`), "image", single(pic(one))},
		{"json: null", "a.jsonl", jsonl("null"), "image", single()},
		{"csv", "a.csv", "prompt,image\np," + link.URL + "\nq,\n", "image", []Prompt{{Row: 1, Text: "p", Images: []Image{link}}, {Row: 2, Text: "q"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := Open(context.Background(), Config{File: writeFile(t, tc.file, tc.content), ImageColumn: tc.column})
			if err != nil {
				t.Fatal(err)
			}
			checkPrompts(t, d, tc.want)
		})
	}
	t.Run("equal ones are kept once", func(t *testing.T) {
		d, err := Open(context.Background(), Config{File: writeFile(t, "a.parquet", pq), ImageColumn: "image"})
		if err != nil {
			t.Fatal(err)
		}
		if &d.At(0).Images[0].Bytes[0] != &d.At(1).Images[0].Bytes[0] {
			t.Error("two copies of one image")
		}
	})
}

func TestRowErrors(t *testing.T) {
	talks := parquetOf(t, talkRow{Messages: []message{{"user", ptr("a")}, {"tool", ptr("b")}}})
	pictures := parquetOf(t, imageRow{Question: "a", Image: &hubImage{Path: "a.png"}, Raw: []byte("GIF?")})
	for _, tc := range []struct {
		name, file, content, prompt, image string
		want                               []string
	}{
		{"parquet: an unknown role", "a.parquet", talks, "messages", "", []string{"row 1", "turn 2", `"tool"`}},
		{"json: an unknown role", "a.jsonl", `{"messages":[{"role":"tool","content":"x"}]}`, "", "", []string{"line 1", "turn 1", `"tool"`}},
		{"parquet: a list of numbers", "a.parquet", talks, "numbers", "", []string{`"numbers"`, "nested", "--prompt-column"}},
		{"json: a list of numbers", "a.jsonl", `{"prompt":[1]}`, "", "", []string{"line 1", `"prompt"`, "turn 1"}},
		{"json: a turn of pictures", "a.jsonl", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, "", "", []string{"line 1", "turn 1"}},
		{"json: a turn of nothing known", "a.jsonl", `{"messages":[{"role":"user","words":"x"}]}`, "", "", []string{"line 1", "turn 1"}},
		{"a column of images that is not there", "a.parquet", pictures, "question", "photo", []string{`no column "photo"`, `"raw"`}},
		{"parquet: a column of no images", "a.parquet", talks, "turns", "numbers", []string{`"numbers"`, "no images", "--image-column"}},
		{"parquet: a file beside the dataset", "a.parquet", pictures, "question", "image", []string{"row 1", `"a.png"`, "not read"}},
		{"parquet: no image's bytes", "a.parquet", pictures, "question", "raw", []string{"row 1", "GIF?"}},
		{"json: base64 of no image", "a.jsonl", `{"prompt":"p","image":"aGVsbG8="}`, "", "image", []string{"line 1", `"image"`, "no PNG"}},
		{"json: a data URL of another notation", "a.jsonl", `{"prompt":"p","image":"data:image/svg+xml,x"}`, "", "image", []string{"line 1", "base64"}},
		{"json: numbers for images", "a.jsonl", `{"prompt":"p","image":[5]}`, "", "image", []string{"line 1", "numbers"}},
		{"json: too many images", "a.jsonl", `{"prompt":"p","image":["` + strings.Repeat(`","`, maxImages) + `"]}`, "", "image", []string{"line 1", "101 images"}},
		{"json: too many turns", "a.jsonl", `{"turns":["` + strings.Repeat(`","`, maxTurns) + `"]}`, "", "", []string{"line 1", "10001 turns"}},
		{"json: an image too large", "a.jsonl", `{"prompt":"p","image":"` + strings.Repeat("AAAA", maxImageBytes/3+2) + `"}`, "", "image", []string{"line 1", "MiB"}},
		{"images of a text", "a.txt", "x", "", "image", []string{"no columns", "--image-column"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeFile(t, tc.file, tc.content)
			_, err := Open(context.Background(), Config{File: path, PromptColumn: tc.prompt, ImageColumn: tc.image})
			checkError(t, err, ErrConfig, append(tc.want, path)...)
		})
	}
}

func TestImageBounds(t *testing.T) {
	c := collector{imageBytes: maxImagesBytes - 1}
	err := c.add(Prompt{Row: 7, Text: "x", Images: []Image{{MIME: "image/png", Bytes: pngOf(t, 1)}}})
	if err == nil || !strings.Contains(err.Error(), "row 7") {
		t.Errorf("one image too many: %v", err)
	}
	if _, err := imageOfBytes(append(pngOf(t, 1), make([]byte, maxImageBytes)...)); err == nil {
		t.Error("an image above the bound was taken")
	}
}

// A list's row may begin on one page and end on another's.
func TestParquetPages(t *testing.T) {
	rows := make([]talkRow, 300)
	for i := range rows {
		for j := range i % 7 {
			rows[i].Turns = append(rows[i].Turns, fmt.Sprintf("question %d of row %d", j, i))
		}
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[talkRow](&b, parquet.PageBufferSize(256))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(context.Background(), Config{File: writeFile(t, "a.parquet", b.String()), PromptColumn: "turns"})
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for i, row := range rows {
		if len(row.Turns) == 0 {
			continue
		}
		p := d.At(at)
		at++
		if p.Row != i+1 || p.Text != row.Turns[0] || (len(row.Turns) > 1 && len(p.Turns) != len(row.Turns)) {
			t.Fatalf("prompt %+v of row %d, want %q", p, i+1, row.Turns)
		}
	}
	if at != d.Len() {
		t.Errorf("%d prompts, want %d", d.Len(), at)
	}
}

// The hub's parquet is written by pyarrow, which names the elements of lists
// "item" where Go's library says "element" (testdata/pyarrow.parquet, by
// pyarrow 26 with use_compliant_nested_type=False, two row groups).
func TestParquetOfPyarrow(t *testing.T) {
	for _, tc := range []struct {
		column string
		turns  []int // of each prompt
	}{
		{"messages", []int{2, 0}},
		{"turns", []int{2, 0}},
	} {
		t.Run(tc.column, func(t *testing.T) {
			d, err := Open(context.Background(), Config{File: "testdata/pyarrow.parquet", PromptColumn: tc.column, ImageColumn: "image"})
			if err != nil {
				t.Fatal(err)
			}
			if d.Len() != 2 || d.At(0).Text != "a?" || d.At(1).Text != "b?" || d.At(1).Row != 3 {
				t.Fatalf("prompts %q", texts(d))
			}
			for i, turns := range tc.turns {
				p := d.At(i)
				if len(p.Turns) != turns || len(p.Images) != 1 || p.Images[0].MIME != "image/png" {
					t.Errorf("prompt %d has %d turns and the images %v", i, len(p.Turns), p.Images)
				}
			}
		})
	}
}
