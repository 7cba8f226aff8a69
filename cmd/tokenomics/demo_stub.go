package main

import "github.com/spf13/cobra"

func newDemoCmd(*env) *cobra.Command { return &cobra.Command{Use: "demo"} }
func newSimCmd(*env) *cobra.Command  { return &cobra.Command{Use: "sim"} }
