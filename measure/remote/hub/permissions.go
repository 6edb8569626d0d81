package hub

import (
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"qtune/measure/remote"
)

// Subjects of JetStream's interface (https://docs.nats.io/reference/reference-protocols/nats_api_reference)
// that permissions name. A permission's * stands for one whole word: not for a part
// of a stream's name.
const (
	api     = "$JS.API."
	kv      = "$KV." + remote.WorkersBucket + "."
	bucket  = "KV_" + remote.WorkersBucket // the stream of the workers' bucket
	results = remote.ResultsStream
	// ackNumbers end the subjects of acknowledgements: delivery, sequences, time, rest.
	ackNumbers = ".*.*.*.*.*"
)

// acks are the subjects on which messages of consumers are acknowledged: the form
// of today's servers, and the one with domain and account that is to come.
func acks(stream, consumer string) []string {
	return []string{
		"$JS.ACK." + stream + "." + consumer + ackNumbers,
		"$JS.ACK.*.*." + stream + "." + consumer + ".>",
	}
}

// answers let services answer those who ask, wherever they want the answer.
func answers() *server.ResponsePermission {
	return &server.ResponsePermission{MaxMsgs: 1, Expires: 10 * time.Second}
}

// permissions are what a user may do. Everything else is denied.
func (u *User) permissions() *server.Permissions {
	if u.Role == remote.WorkerRole {
		return workerPermissions(u)
	}
	return tunerPermissions(u.Name)
}

// workerPermissions let a worker take batches of its queue, or of any, and answer
// in its own name. It can read nobody's results.
func workerPermissions(u *User) *server.Permissions {
	queue := "*"
	if u.Limits != (Limits{}) {
		queue = remote.ConsumerOf(u.ISA, u.Class)
	}
	allow := append(acks("*", queue),
		api+"CONSUMER.INFO.*."+queue,
		api+"CONSUMER.MSG.NEXT.*."+queue,
		remote.ResultSubject("*", u.Name),
		remote.BeatSubject("*", u.Name),
		kv+remote.StatusKey(u.Name),
		kv+remote.AsideKey(u.Name),
		api+"STREAM.INFO."+bucket,
		api+"DIRECT.GET."+bucket+"."+kv+u.Name+".>",
	)
	var deny []string
	for _, stream := range []string{results, bucket} {
		deny = append(deny, acks(stream, "*")...)
		deny = append(deny, api+"CONSUMER.INFO."+stream+".>", api+"CONSUMER.MSG.NEXT."+stream+".>")
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: allow, Deny: deny},
		Subscribe: &server.SubjectPermission{Allow: []string{remote.InboxPrefix(u.Name) + ".>", "$SRV.>"}},
		Response:  answers(),
	}
}

// tunerPermissions let a tuner put in batches, and read answers, in its own name.
// Tuners make and remove the streams that they share, so they have to trust each
// other that far; the workers' bucket is out of their reach but for putting workers
// aside.
func tunerPermissions(name string) *server.Permissions {
	allow := append(acks(results, name),
		"qtune.job.*.*.*."+name,
		// The streams, which come and go with the tuners.
		api+"STREAM.NAMES",
		api+"STREAM.INFO.*", api+"STREAM.CREATE.*", api+"STREAM.UPDATE.*", api+"STREAM.DELETE.*",
		api+"STREAM.PURGE.*", api+"STREAM.MSG.DELETE.*",
		// The queues.
		api+"CONSUMER.CREATE.*.*.qtune.job.>",
		api+"CONSUMER.NAMES.*", api+"CONSUMER.INFO.*.*",
		// Its own results.
		api+"CONSUMER.CREATE."+results+"."+name+"."+remote.ResultSubject(name, "*"),
		api+"CONSUMER.DELETE."+results+"."+name,
		api+"CONSUMER.MSG.NEXT."+results+"."+name,
		// What is known of workers.
		"$SRV.>",
		kv+remote.AsideKey("*"),
		api+"DIRECT.GET."+bucket+".>",
		api+"CONSUMER.CREATE."+bucket+".*."+kv+">", api+"CONSUMER.DELETE."+bucket+".*", "$JS.FC."+bucket+".>",
	)
	deny := []string{
		api + "STREAM.CREATE." + bucket, api + "STREAM.UPDATE." + bucket, api + "STREAM.DELETE." + bucket,
		api + "STREAM.PURGE." + bucket, api + "STREAM.MSG.DELETE." + bucket,
		api + "STREAM.MSG.DELETE." + results,
	}
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: allow, Deny: deny},
		Subscribe: &server.SubjectPermission{Allow: []string{remote.InboxPrefix(name) + ".>", remote.BeatSubject(name, "*"),
			"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>"}},
	}
}
