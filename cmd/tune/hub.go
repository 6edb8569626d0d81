package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"qtune/measure/remote/hub"
)

// hubServerFlags are the flags of "tune hub".
type hubServerFlags struct {
	listen  string
	store   string
	metrics string
	minFree int // MiB
	verbose bool
	log     logFormat
}

const mib = 1 << 20

func hubCommand() *cobra.Command {
	var f hubServerFlags
	c := &cobra.Command{
		Use:   "hub --store DIR",
		Short: "Run a hub: the server that tuners and workers connect to",
		Long: `Run a hub: the server that tuners and workers connect to. It needs a folder.

For this machine alone nothing has to be prepared. For others:

	tune hub init --store DIR --host hub.example
	tune hub add-worker board-1 --store DIR > board-1.creds
	tune hub add-tuner desk --store DIR > desk.creds
	tune hub --store DIR --listen 0.0.0.0:4222

Users may be added and revoked while it runs. It runs until it gets SIGTERM or
SIGINT.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runHub(c, &f) },
	}
	registerHubStore(c, &f.store)
	fl := c.Flags()
	fl.StringVar(&f.listen, "listen", "127.0.0.1:4222", "address; without a host it is for this machine alone; 0.0.0.0:4222 is for others too, which needs a folder made by init")
	fl.StringVar(&f.metrics, "metrics", "", "address for Prometheus to scrape, such as localhost:9464; /healthz too; without encryption or credentials, so not for other networks")
	fl.IntVar(&f.minFree, "min-free", hub.DefaultMinFree/mib, "warn where the file system of the folder has less space, in MiB")
	fl.BoolVar(&f.verbose, "verbose", false, "log connections too")
	f.log.register(c)
	c.AddCommand(hubInitCommand(), hubAddWorkerCommand(), hubAddTunerCommand(), hubRevokeCommand(), hubUsersCommand())
	return c
}

func registerHubStore(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "store", "", "folder of the hub")
}

func checkStore(c *cobra.Command, dir string) error {
	if dir == "" {
		return usageErrorf("%s: --store is missing", strings.TrimPrefix(c.CommandPath(), "tune "))
	}
	return nil
}

func runHub(c *cobra.Command, f *hubServerFlags) error {
	if err := checkStore(c, f.store); err != nil {
		return err
	}
	if f.minFree < 1 {
		return usageErrorf("--min-free %d: must be 1 or more", f.minFree)
	}
	log := f.log.logger(c, f.verbose)
	h, err := hub.New(c.Context(), hub.Config{Listen: f.listen, Store: f.store, MinFree: int64(f.minFree) * mib, Log: log})
	if err != nil {
		return err
	}
	stop, err := serveMetrics(f.metrics, h.Handler(), log)
	if err != nil {
		h.Close()
		return fmt.Errorf("--metrics %s: %w", f.metrics, err)
	}
	defer stop()
	return h.Run(c.Context())
}
