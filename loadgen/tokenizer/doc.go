// Package tokenizer counts tokens as a model does: asked of its engine
// (Engine), by the model's own tokenizer.json (File), or, where neither is to
// be had, learned from what the engine says that it was sent (Calibration).
package tokenizer
