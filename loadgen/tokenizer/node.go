package tokenizer

// node is a normalizer or a pre-tokenizer, of any type.
type node struct {
	Type          string   `json:"type"`
	Normalizers   []node   `json:"normalizers"`
	Pretokenizers []node   `json:"pretokenizers"`
	Pattern       *pattern `json:"pattern"`
	Content       string   `json:"content"`
	Prepend       string   `json:"prepend"`
	Charsmap      string   `json:"precompiled_charsmap"`
	StripLeft     bool     `json:"strip_left"`
	StripRight    bool     `json:"strip_right"`

	CleanText    bool  `json:"clean_text"`
	ChineseChars bool  `json:"handle_chinese_chars"`
	StripAccents *bool `json:"strip_accents"`
	Lowercase    bool  `json:"lowercase"`

	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
	IndividualDigits bool   `json:"individual_digits"`
	Replacement      string `json:"replacement"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
	Delimiter        string `json:"delimiter"`
}
