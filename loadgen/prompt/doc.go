// Package prompt decides what requests say: rows of a dataset, or plain English
// words sized in the model's own tokens, with shared prefixes, made images and
// LoRA adapters.
//
// Everything is a pure function of a seed and the number of the request, so that
// a run repeats exactly and any part of it can be computed anywhere. Only Learn
// asks a tokenizer, once, before a run.
package prompt
