package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tokenomics/otel"
	"tokenomics/proxy"
)

// labelOptions are the proxy's options about tenants, and about which models
// and tenants its metrics name.
type labelOptions struct {
	tenantHeader   string
	tenantFromKey  bool
	tenantSaltFile string
	tenants        []string
	tenantLimit    int
	models         []string
	modelLimit     int

	tenancy proxy.Tenancy // made by check: a salt may come from a pipe, and is read once
}

// saltVariable holds the salt itself. There is no flag for it: command lines
// can be read by everybody on a machine.
const saltVariable = "TOKENOMICS_TENANT_SALT"

// newLabelOptions are those that nothing was given for.
func newLabelOptions() labelOptions { return labelOptions{tenantLimit: 200, modelLimit: 200} }

func (o *labelOptions) register(fs *pflag.FlagSet) {
	*o = newLabelOptions()
	fs.StringVar(&o.tenantHeader, "tenant-header", "", "header `field` that names the tenant of a request")
	fs.BoolVar(&o.tenantFromKey, "tenant-from-key", false, "the tenant is a salted hash of the API key, which itself is kept nowhere")
	fs.StringVar(&o.tenantSaltFile, "tenant-salt-file", "", "`file` with the salt of those hashes, or "+saltVariable+"=SALT;\nwithout one they are others after each start")
	fs.StringSliceVar(&o.tenants, "tenants", nil, "the only `tenants` that metrics name (a,b,c); others are \"other\"")
	fs.IntVar(&o.tenantLimit, "tenant-limit", o.tenantLimit, "without --tenants: how many metrics name, first come, first served")
	fs.StringSliceVar(&o.models, "models", nil, "the only `models` that metrics name (a,b,c); others are \"other\"")
	fs.IntVar(&o.modelLimit, "model-limit", o.modelLimit, "without --models: how many metrics name, first come, first served")
}

// check finds what is wrong with the options.
func (o *labelOptions) check() error {
	for flag, names := range map[string][]string{"--tenants": o.tenants, "--models": o.models} {
		if slices.Contains(trimmed(names), "") {
			return fmt.Errorf("%s has an empty name: write a,b,c", flag)
		}
	}
	told := o.tenantHeader != "" || o.tenantFromKey
	switch {
	case o.tenantHeader != "" && o.tenantFromKey:
		return errors.New("--tenant-header and --tenant-from-key exclude each other: give one of them")
	case len(o.tenants) > 0 && !told:
		return errors.New("--tenants needs to know whose requests are whose: give --tenant-header or --tenant-from-key too")
	case o.tenantSaltFile != "" && !o.tenantFromKey:
		return errors.New("--tenant-salt-file is for --tenant-from-key: give that too")
	case o.tenantLimit < 1:
		return fmt.Errorf("--tenant-limit %d: give 1 or more", o.tenantLimit)
	case o.modelLimit < 1:
		return fmt.Errorf("--model-limit %d: give 1 or more", o.modelLimit)
	}
	return o.makeTenancy()
}

func (o *labelOptions) makeTenancy() (err error) {
	t := proxy.Tenancy{Header: o.tenantHeader, FromKey: o.tenantFromKey}
	from := "--tenant-header"
	if o.tenantFromKey {
		if t.Salt, from, err = o.salt(); err != nil {
			return err
		}
	}
	if o.tenancy, err = t.Check(); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// salt is the one that was given, nil where none was, and where it came from.
func (o *labelOptions) salt() (salt []byte, from string, err error) {
	if o.tenantSaltFile != "" {
		salt, err := os.ReadFile(o.tenantSaltFile)
		if err != nil {
			return nil, "", fmt.Errorf("--tenant-salt-file: reading the salt: %w", err)
		}
		return append([]byte{}, bytes.TrimSpace(salt)...), "--tenant-salt-file", nil // an empty one is not none
	}
	if salt, ok := os.LookupEnv(saltVariable); ok {
		return []byte(salt), saltVariable, nil
	}
	return nil, "--tenant-from-key", nil
}

// unstable says that tenants' names will be others after the next start.
func (o *labelOptions) unstable() bool {
	_, given := os.LookupEnv(saltVariable)
	return o.tenantFromKey && o.tenantSaltFile == "" && !given
}

// tenantNames and modelNames are what metrics show of them.
func (o *labelOptions) tenantNames() otel.Names {
	return otel.Names{Only: trimmed(o.tenants), Max: o.tenantLimit}
}

func (o *labelOptions) modelNames() otel.Names {
	return otel.Names{Only: trimmed(o.models), Max: o.modelLimit}
}

// trimmed takes the spaces of "a, b" away; nil stays nil, which is no list.
func trimmed(names []string) (list []string) {
	for _, name := range names {
		list = append(list, strings.TrimSpace(name))
	}
	return list
}
