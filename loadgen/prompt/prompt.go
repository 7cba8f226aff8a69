package prompt

// Prompt is what one request says.
type Prompt struct {
	// Text is the prompt; for reranking, the query.
	Text string
	// History are the turns of the conversation before Text, oldest first; nil
	// for a request that stands alone.
	History []Message
	Images  []Image
	// Documents are what is to be ranked; nil for any other request.
	Documents []string
	// Row is the row of the dataset, or the number of the made prompt.
	Row int
	// Aimed is how many tokens the prompt was to have, what the engine puts
	// around it included where that is known. 0: it was not sized.
	Aimed int
	// Tokens is how many it has by what Learn knows of its words. It differs
	// from Aimed where no word fits the last gap. 0: it was not sized.
	Tokens int
	// MaxTokens is how long the answer is to be at most. 0: as the run has it.
	MaxTokens int
	// Adapter is the LoRA adapter that is to answer. "": the model itself.
	Adapter string
}

// Message is one turn of a conversation.
type Message struct {
	Role    string
	Content string
	Images  []Image // that were shown with it
}

// Image is part of a prompt: its bytes, or where they are to be had.
type Image struct {
	MIME string // of Data, such as image/png
	Data []byte
	URL  string // used where Data is empty
}

// Source is where prompts come from. Prompt is a pure function of the source's
// own fields and i, and is called from many goroutines.
type Source interface {
	Prompt(i int) (Prompt, error)
}

// Rows are prompts that exist: request i says what At says of row Order(i).
type Rows struct {
	Order func(i int) int
	At    func(row int) (Prompt, error)
}

// Prompt is the row of request i, as it is.
func (r Rows) Prompt(i int) (Prompt, error) {
	row := r.Order(i)
	p, err := r.At(row)
	p.Row = row
	return p, err
}

var (
	_ Source = Rows{}
	_ Source = Synthetic{}
	_ Source = Blocks{}
	_ Source = (*Prefixed)(nil)
	_ Source = Illustrated{}
	_ Source = Adapted{}
	_ Source = Ranked{}
)
