package hub

import (
	"encoding/json"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"qtune/measure/remote"
)

// Permissions alone do not hold a worker: a request names the subject of its
// answer, the server publishes there what the worker may not, and the worker can
// choose much of the text. So each worker has an account of its own, which is a
// space of subjects of its own, where the server's answers to it stay; from there
// lead only the imports below. The streams and the tuners are in the team's account.
// See https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts.
const teamAccount = "TEAM"

func workerAccount(name string) string { return "WORKER_" + name }

// The server's configuration, as far as it is about accounts, in the JSON form of
// its language.
type accountsConfig struct {
	Accounts map[string]account `json:"accounts"`
}

type account struct {
	JetStream string          `json:"jetstream,omitempty"`
	Users     []userConfig    `json:"users,omitempty"`
	Exports   []serviceExport `json:"exports"`
	Imports   []serviceImport `json:"imports,omitempty"`
}

type userConfig struct {
	Nkey        string       `json:"nkey"`
	Permissions *permissions `json:"permissions,omitempty"` // nil: everything
}

type permissions struct {
	Publish   subjects   `json:"publish"`
	Subscribe subjects   `json:"subscribe"`
	Responses *responses `json:"allow_responses,omitempty"`
}

type subjects struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny,omitempty"`
}

// responses let services answer those who ask, wherever they want the answer.
type responses struct {
	Max     int    `json:"max"`
	Expires string `json:"expires"`
}

type serviceExport struct {
	Service  string `json:"service"`
	Response string `json:"response_type,omitempty"`
}

type serviceImport struct {
	Service importedSubject `json:"service"`
}

type importedSubject struct {
	Account string `json:"account"`
	Subject string `json:"subject"`
}

// many is the response type of services that answer a request more than once.
const many = "stream"

// accountInfo tells the limits of the team's account. Whoever imports it has, for
// the server, all of JetStream from another account; into others the server itself
// answers every request, with an error.
const accountInfo = api + "INFO"

// presence is where services are asked whether they are there, and answer.
const presence = "$SRV.>"

// configure adds to options the accounts of users and of the hub itself, and those
// users that are admitted.
func configure(o *server.Options, internal string, users []User, admit func(User) bool) error {
	team := account{
		JetStream: "enabled",
		Users:     []userConfig{{Nkey: internal}}, // may do everything
		Exports: []serviceExport{
			{Service: api + "CONSUMER.INFO.*.*"},
			{Service: api + "CONSUMER.MSG.NEXT.*.*", Response: many},
			{Service: "$JS.ACK.>"},
			{Service: remote.ResultSubject("*", "*")},
			{Service: remote.BeatSubject("*", "*")},
			{Service: kv + ">"},
			{Service: api + "STREAM.INFO." + bucket},
			{Service: api + "DIRECT.GET." + bucket + ".>"},
			{Service: accountInfo},
		},
	}
	c := accountsConfig{map[string]account{}}
	for _, u := range users {
		var entries []userConfig
		if admit(u) {
			entries = append(entries, userConfig{u.Key, u.permissions()})
		}
		if u.Role == remote.TunerRole {
			team.Users = append(team.Users, entries...)
			continue
		}
		w := account{Users: entries, Exports: []serviceExport{{presence, many}, {remote.StatusSubject, many}}}
		for _, subject := range append(workerServices(&u), accountInfo) {
			w.Imports = append(w.Imports, serviceImport{importedSubject{teamAccount, subject}})
		}
		c.Accounts[workerAccount(u.Name)] = w
		for _, subject := range []string{presence, remote.StatusSubject} {
			team.Imports = append(team.Imports, serviceImport{importedSubject{workerAccount(u.Name), subject}})
		}
	}
	c.Accounts[teamAccount] = team
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // the language does not know \u
	if err := e.Encode(c); err != nil {
		return err
	}
	return o.ProcessConfigString(text.String())
}
