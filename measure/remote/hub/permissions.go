package hub

import "qtune/measure/remote"

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

// permissions are what a user may do. Everything else is denied.
func (u *User) permissions() *permissions {
	if u.Role == remote.WorkerRole {
		return workerPermissions(u)
	}
	return tunerPermissions(u.Name)
}

// workerServices are the subjects on which a worker asks, acknowledges and tells:
// batches of its queue, or of any, and answers in its own name.
func workerServices(u *User) []string {
	queue := "*"
	if u.Limits != (Limits{}) {
		queue = remote.ConsumerOf(u.ISA, u.Class)
	}
	return append(acks("*", queue),
		api+"CONSUMER.INFO.*."+queue,
		api+"CONSUMER.MSG.NEXT.*."+queue,
		remote.ResultSubject("*", u.Name),
		remote.BeatSubject("*", u.Name),
		kv+remote.StatusKey(u.Name),
		kv+remote.AsideKey(u.Name),
		api+"STREAM.INFO."+bucket,
		api+"DIRECT.GET."+bucket+"."+kv+u.Name+".>",
	)
}

// outOfReach are subjects that are among the services of a worker of any queue, but
// belong to no queue.
func outOfReach() []string {
	var out []string
	for _, stream := range []string{results, bucket} {
		out = append(out, "$JS.ACK."+stream+".>", "$JS.ACK.*.*."+stream+".>",
			api+"CONSUMER.INFO."+stream+".>", api+"CONSUMER.MSG.NEXT."+stream+".>")
	}
	return out
}

// workerPermissions let a worker use its services.
func workerPermissions(u *User) *permissions {
	return &permissions{
		Publish:   subjects{workerServices(u), outOfReach()},
		Subscribe: subjects{Allow: []string{remote.InboxPrefix(u.Name) + ".>", presence, remote.StatusSubject}},
		Responses: &responses{1, "10s"},
	}
}

// tunerPermissions let a tuner put in batches and read answers, and put workers
// aside. Tuners trust each other: they share streams that each of them makes and
// removes, and take a name of their own for each run. None can speak for a worker.
func tunerPermissions(name string) *permissions {
	allow := append(acks(results, "*"),
		"qtune.job.*.*.*.*",
		// The streams, which come and go with the tuners.
		api+"STREAM.NAMES",
		api+"STREAM.INFO.*", api+"STREAM.CREATE.*", api+"STREAM.UPDATE.*", api+"STREAM.DELETE.*",
		api+"STREAM.PURGE.*", api+"STREAM.MSG.GET.*", api+"STREAM.MSG.DELETE.*",
		// The queues.
		api+"CONSUMER.CREATE.*.*.qtune.job.>",
		api+"CONSUMER.NAMES.*", api+"CONSUMER.INFO.*.*",
		// Results.
		api+"CONSUMER.CREATE."+results+".*."+remote.ResultSubject("*", "*"),
		api+"CONSUMER.DELETE."+results+".*",
		api+"CONSUMER.MSG.NEXT."+results+".*",
		// What is known of workers.
		presence, remote.StatusSubject,
		kv+remote.AsideKey("*"),
		api+"DIRECT.GET."+bucket+".>",
		api+"CONSUMER.CREATE."+bucket+".*."+kv+">", api+"CONSUMER.DELETE."+bucket+".*", "$JS.FC."+bucket+".>",
	)
	var deny []string
	for _, action := range []string{"CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE"} {
		deny = append(deny, api+"STREAM."+action+"."+bucket)
	}
	return &permissions{
		Publish: subjects{allow, deny},
		Subscribe: subjects{Allow: []string{remote.InboxPrefix(name) + ".>", remote.BeatSubject("*", "*"),
			"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>"}},
	}
}
