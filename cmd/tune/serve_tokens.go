package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"qtune/service"
)

// withStore runs f with the store of --store.
func withStore(path string, f func(*service.Store) error) error {
	if path == "" {
		return usageErrorf("--store is missing")
	}
	s, err := service.OpenStore(path, nil)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// withOldStore is withStore for what makes no sense in a new one: a folder that is
// misspelt does not become one.
func withOldStore(path string, f func(*service.Store) error) error {
	if path != "" && !service.IsStore(path) {
		return fmt.Errorf("--store %s: there is no store of a service", path)
	}
	return withStore(path, f)
}

func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageErrorf("%s: which %s? One", c.Name(), what)
		}
		return nil
	}
}

func addTokenCommand() *cobra.Command {
	var store, role string
	c := &cobra.Command{
		Use:   "add-token NAME --role R --store DIR",
		Short: "Make a token for a user and print it; it cannot be shown again",
		Args:  oneArg("user"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := service.ParseRole(role)
			if err != nil {
				return usageErrorf("--role: %w", err)
			}
			return withStore(store, func(s *service.Store) error {
				token, err := s.AddToken(c.Context(), args[0], r)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.OutOrStdout(), token)
				return err
			})
		},
	}
	registerStore(c, &store)
	c.Flags().StringVar(&role, "role", "", "read, submit or admin; each may do what those before it may")
	return c
}

func revokeCommand() *cobra.Command {
	var store string
	c := &cobra.Command{
		Use:   "revoke NAME --store DIR",
		Short: "Remove a user's token; it is refused from then on",
		Args:  oneArg("user"),
		RunE: func(c *cobra.Command, args []string) error {
			return withOldStore(store, func(s *service.Store) error { return s.Revoke(c.Context(), args[0]) })
		},
	}
	registerStore(c, &store)
	return c
}

// A tokenReport is a line of "tune serve tokens".
type tokenReport struct {
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Created time.Time `json:"created"`
}

func tokensCommand() *cobra.Command {
	var (
		store string
		json  bool
	)
	c := &cobra.Command{
		Use:   "tokens --store DIR",
		Short: "List who has a token",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withOldStore(store, func(s *service.Store) error { return printTokens(c.Context(), c.OutOrStdout(), s, json) })
		},
	}
	registerStore(c, &store)
	registerJSON(c, &json)
	return c
}

func printTokens(ctx context.Context, w io.Writer, s *service.Store, json bool) error {
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return err
	}
	reports := []tokenReport{}
	t := newTable("name", "role", "created")
	for _, k := range tokens {
		reports = append(reports, tokenReport{k.Name, k.Role.String(), k.Created})
		t.add(k.Name, k.Role.String(), k.Created.Format(time.DateTime))
	}
	if json {
		return writeJSON(w, reports)
	}
	return t.write(w)
}
