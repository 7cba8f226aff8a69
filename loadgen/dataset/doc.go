// Package dataset is where the load generator's prompts come from: the set
// embedded in the binary, datasets on the Hugging Face hub, and files.
//
//	Open        picks the source that a Config names and loads it whole
//	keys.go     the datasets known by a short name, as a table
//	hub.go      the hub's listing and download calls; cache.go keeps what came
//	file.go     one reader per file kind: txt, csv, json, jsonl, parquet
//
// A Dataset never changes after it was loaded and keeps its rows' order, so
// that a request number and a seed name the same prompt in every run.
package dataset
