// Package hub runs a NATS server for a team that has none: tuners and workers
// connect to it. It is one process with one folder:
//
//	config.json   names of the machine; where it is, the hub is for other machines
//	ca.pem        the authority that signs the server's certificate; part of credentials
//	ca.key        its key
//	server.pem    the server's certificate
//	server.key    its key
//	users/        a file for each worker and tuner: its public key, never a secret
//	jetstream/    the streams
//	lock          held by the hub that runs
//
// Without config.json the folder is for one machine: the hub listens on loopback
// alone, without TLS or credentials. With it TLS is always on, and everyone needs a
// credential, whose secret is printed once, when it is made (AddUser), and is not
// stored. The folder may be changed while the hub runs: users that are added can
// connect within a second, users that are revoked are disconnected, and a renewed
// certificate is used for new connections.
package hub
