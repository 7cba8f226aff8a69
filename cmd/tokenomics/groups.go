package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are a command's flags under headings, for a help of more than a
// screen.
type flagGroups struct {
	cmd  *cobra.Command
	list []flagGroup
}

type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// groupFlags has the help of cmd show its flags in groups.
func groupFlags(cmd *cobra.Command) *flagGroups {
	g := &flagGroups{cmd: cmd}
	cmd.Flags().SortFlags = false
	cmd.SetUsageFunc(g.usage)
	return g
}

// add registers a group of flags.
func (g *flagGroups) add(title string, register func(*pflag.FlagSet)) {
	fs := pflag.NewFlagSet(title, pflag.ContinueOnError)
	fs.SortFlags = false
	register(fs)
	g.cmd.Flags().AddFlagSet(fs)
	g.list = append(g.list, flagGroup{title, fs})
}

// usage is cobra's own, but for the groups.
func (g *flagGroups) usage(cmd *cobra.Command) error {
	w := cmd.OutOrStderr()
	_, err := fmt.Fprintf(w, "Usage:\n  %s\n\nExamples:\n%s\n", cmd.UseLine(), cmd.Example)
	for _, group := range g.list {
		if err == nil {
			_, err = fmt.Fprintf(w, "\n%s:\n%s", group.title, group.flags.FlagUsages())
		}
	}
	return err
}
