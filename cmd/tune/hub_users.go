package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qtune/internal/wholefile"
	"qtune/measure/remote"
	"qtune/measure/remote/hub"
	"qtune/schedules"
)

func hubInitCommand() *cobra.Command {
	var (
		store string
		hosts []string
	)
	c := &cobra.Command{
		Use:   "init --store DIR [--host NAME,IP...]",
		Short: "Make a hub's folder for other machines; again to renew its certificate",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkStore(c, store); err != nil {
				return err
			}
			renewed, err := hub.Init(store, hosts)
			if err != nil {
				return err
			}
			what := "made a hub's folder"
			if renewed {
				what = "renewed the certificate"
			}
			fmt.Fprintf(c.ErrOrStderr(), "%s: %s\n", store, what)
			return nil
		},
	}
	registerHubStore(c, &store)
	c.Flags().StringSliceVar(&hosts, "host", nil, "names and addresses by which others reach this machine; localhost is always among them")
	return c
}

// newUserFlags say whom to let in.
type newUserFlags struct {
	store   string
	out     string
	target  string
	machine string
}

func (f *newUserFlags) register(c *cobra.Command) {
	registerHubStore(c, &f.store)
	c.Flags().StringVarP(&f.out, "output", "o", "", "file to write the credentials to, which must not be there yet (default: standard output)")
}

func hubAddWorkerCommand() *cobra.Command {
	var f newUserFlags
	c := &cobra.Command{
		Use:   "add-worker NAME --store DIR",
		Short: "Let a worker in, and print its credentials: they are nowhere else",
		Args:  cobra.ArbitraryArgs,
		RunE:  func(c *cobra.Command, args []string) error { return addUser(c, &f, remote.WorkerRole, args) },
	}
	f.register(c)
	c.Flags().StringVar(&f.target, "target", "", "the only instruction set that it may measure for; with --machine")
	c.Flags().StringVar(&f.machine, "machine", "", `the only kind of machine that it may measure for, as "tune workers" lists it; with --target`)
	return c
}

func hubAddTunerCommand() *cobra.Command {
	var f newUserFlags
	c := &cobra.Command{
		Use:   "add-tuner NAME --store DIR",
		Short: "Let a tuner in, and print its credentials: they are nowhere else",
		Args:  cobra.ArbitraryArgs,
		RunE:  func(c *cobra.Command, args []string) error { return addUser(c, &f, remote.TunerRole, args) },
	}
	f.register(c)
	return c
}

// limits reads --target and --machine.
func (f *newUserFlags) limits() (hub.Limits, error) {
	if f.target == "" && f.machine == "" {
		return hub.Limits{}, nil
	}
	if f.target == "" || f.machine == "" {
		return hub.Limits{}, usageErrorf("--target and --machine belong together: a queue is of one target on one kind of machine")
	}
	isa, err := schedules.ParseISA(f.target)
	if err != nil || isa == schedules.Ref {
		return hub.Limits{}, usageErrorf("--target %q: want one of %v", f.target, schedules.ISAs())
	}
	class, err := machineClass(f.machine)
	if err != nil {
		return hub.Limits{}, usageErrorf("--machine: %w", err)
	}
	return hub.Limits{ISA: isa, Class: class}, nil
}

// machineClass reads a machine, or its class: the same without cores and brand.
func machineClass(text string) (string, error) {
	m, err := schedules.ParseMachine(text)
	if err != nil {
		if whole, err := schedules.ParseMachine(strings.Replace(text, " l1d=", " cores=1 l1d=", 1)); err == nil {
			return whole.Class(), nil
		}
		return "", err
	}
	return m.Class(), nil
}

// oneName returns the argument of commands about one user.
func oneName(c *cobra.Command, args []string) (string, error) {
	if len(args) != 1 {
		return "", usageErrorf("hub %s: want one name", c.Name())
	}
	if err := remote.CheckName(args[0]); err != nil {
		return "", usageErrorf("hub %s: %w", c.Name(), err)
	}
	return args[0], nil
}

func addUser(c *cobra.Command, f *newUserFlags, role string, args []string) error {
	name, err := oneName(c, args)
	if err != nil {
		return err
	}
	if err := checkStore(c, f.store); err != nil {
		return err
	}
	limits, err := f.limits()
	if err != nil {
		return err
	}
	creds, err := hub.AddUser(f.store, name, role, limits)
	if err != nil {
		return err
	}
	if err := f.write(c, creds); err != nil {
		// Nobody has the secret: the user is of no use.
		return errors.Join(err, hub.Revoke(f.store, name))
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s %s may connect, with these credentials alone: keep them secret\n", role, name)
	return nil
}

// write hands the credentials over.
func (f *newUserFlags) write(c *cobra.Command, creds *remote.Credentials) error {
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, creds.String())
		return err
	}
	if f.out == "" {
		return write(c.OutOrStdout())
	}
	const ownerOnly = 0o600
	return wholefile.Create(f.out, ownerOnly, write)
}

func hubRevokeCommand() *cobra.Command {
	var store string
	c := &cobra.Command{
		Use:   "revoke NAME --store DIR",
		Short: "Let a worker or tuner in no more; a hub that runs disconnects it",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			name, err := oneName(c, args)
			if err != nil {
				return err
			}
			if err := checkStore(c, store); err != nil {
				return err
			}
			return hub.Revoke(store, name)
		},
	}
	registerHubStore(c, &store)
	return c
}

// A userReport is a line of "tune hub users".
type userReport struct {
	Name    string        `json:"name"`
	Role    string        `json:"role"`
	Target  schedules.ISA `json:"target,omitempty"`
	Machine string        `json:"machine,omitempty"`
	Key     string        `json:"public_key"`
	Created time.Time     `json:"created"`
}

func hubUsersCommand() *cobra.Command {
	var (
		store string
		json  bool
	)
	c := &cobra.Command{
		Use:   "users --store DIR",
		Short: "List who may connect",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkStore(c, store); err != nil {
				return err
			}
			users, err := hub.Users(store)
			if users == nil {
				return err
			}
			return errors.Join(printUsers(c.OutOrStdout(), users, json), err)
		},
	}
	registerHubStore(c, &store)
	registerJSON(c, &json)
	return c
}

func printUsers(w io.Writer, users []hub.User, json bool) error {
	reports := []userReport{}
	t := newTable("name", "role", "created", "takes batches of")
	for _, u := range users {
		reports = append(reports, userReport{u.Name, u.Role, u.ISA, u.Class, u.Key, u.Created})
		queue := "-"
		switch {
		case u.ISA != "":
			queue = fmt.Sprintf("%s on %s", u.ISA, u.Class)
		case u.Role == remote.WorkerRole:
			queue = "any"
		}
		t.add(u.Name, u.Role, u.Created.Format(time.DateOnly), queue)
	}
	if json {
		return writeJSON(w, reports)
	}
	return t.write(w)
}
