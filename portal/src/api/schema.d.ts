// Made by `npm run api` from the hub's OpenAPI document; do not edit.

export interface paths {
    "/api/v1/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List rules, highest priority first
         * @description Return a page of the rules; the default rule is the last of all.
         */
        get: operations["listRules"];
        put?: never;
        /**
         * Create a rule
         * @description Create a rule directly above the default rule.
         */
        post: operations["createRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{rule_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a rule
         * @description Return one rule; its ETag is what If-Match wants.
         */
        get: operations["getRule"];
        /**
         * Replace a rule
         * @description Replace a rule, unless somebody changed it since it was read.
         */
        put: operations["replaceRule"];
        post?: never;
        /**
         * Delete a rule
         * @description Delete a rule, unless somebody changed it since it was read; never the default rule.
         */
        delete: operations["deleteRule"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{rule_id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch a rule on
         * @description Switch a rule on; it may be on already.
         */
        post: operations["enableRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{rule_id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch a rule off
         * @description Switch a rule off; the default rule too.
         */
        post: operations["disableRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{rule_id}/move": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a rule another priority
         * @description Put a rule at a priority; those from there on move down.
         */
        post: operations["moveRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{rule_id}/duplicate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Copy a rule
         * @description Make a disabled copy directly below a rule, of the default rule directly above it.
         */
        post: operations["duplicateRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create or update rules by name
         * @description Create or update rules by name, all or none; new ones directly above the default rule.
         */
        post: operations["applyRules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export all rules as a policy object
         * @description Return all rules, disabled ones too, as one SecurityArtifactPolicy object.
         */
        get: operations["exportRules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/order": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the order of the rules
         * @description Return the ids of all rules, highest priority first; the ETag is what If-Match wants.
         */
        get: operations["getOrder"];
        /**
         * Put all rules into an order
         * @description Save the order of all rules at once, unless it was changed since it was read.
         */
        put: operations["putOrder"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take over the rules of a file
         * @description Create or update a file's rules by name, all or none, or say what would become of each.
         *
         *     Takes SecurityArtifactPolicy objects of `tidegate.io/v1alpha1` and of
         *     `defender.microsoft.com/v1alpha3`, in YAML or JSON, single or as lists. New rules stand
         *     directly above the default rule; updated ones keep their place and cloud scope.
         */
        post: operations["importRules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the organisation's settings
         * @description Return the evaluation mode and the component switches.
         */
        get: operations["getSettings"];
        /**
         * Change the organisation's settings
         * @description Set evaluation mode and component switches; gating goes off as a cluster's does, with proof.
         *
         *     What new clusters begin with counts as much as the switch of one: whoever sets it to Off has
         *     every cluster admit everything that is enrolled from then on.
         */
        put: operations["putSettings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List changes, newest first
         * @description Return a page of those entries of the audit log that match all filters given.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/{entry_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a change
         * @description Return one entry of the audit log.
         */
        get: operations["getAuditEntry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what happened lately and what needs attention
         * @description Return events by time, the rules that decided most, and what needs attention.
         */
        get: operations["getOverview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List clusters by name
         * @description Return a page of the clusters.
         */
        get: operations["listClusters"];
        put?: never;
        /**
         * Enrol a cluster
         * @description Enrol a cluster; its token is in this answer and nowhere else.
         */
        post: operations["enrolCluster"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what is wrong with clusters' protection
         * @description Return the alarms that the agents of all clusters last told of.
         */
        get: operations["listAlarms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a cluster
         * @description Return one cluster; a cluster's token sees its own.
         */
        get: operations["getCluster"];
        put?: never;
        post?: never;
        /**
         * Forget a cluster
         * @description Forget a cluster and revoke its token; its events stay.
         */
        delete: operations["deleteCluster"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/gating": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Switch gating of a cluster
         * @description Switch gating of a cluster; Off admits everything there, and in a session needs proof.
         */
        put: operations["putGating"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell how a cluster is
         * @description Keep what an agent says about its own cluster.
         */
        post: operations["postHeartbeat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Wait for a cluster's policy
         * @description Return a cluster's rules once they differ from `generation`; 304 if they never did.
         */
        get: operations["getPolicy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/inventory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell which images run in a cluster
         * @description Keep all images that run in an agent's own cluster, in the place of those told before.
         *
         *     One without a digest gets the one that it had when it was last judged there, else its tag's.
         */
        post: operations["postInventory"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/renewals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Wait for renewed reports
         * @description Return which images have new reports since `after`, at once or as soon as one has.
         */
        get: operations["getRenewals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/rejudgements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what would be decided now about running workloads
         * @description Keep the verdicts of an agent's own cluster; a changed one becomes an event.
         *
         *     A row that is `unanswered` changes nothing: the verdict before stands.
         */
        post: operations["postRejudgements"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/enrolments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Announce a cluster
         * @description Fix what a cluster is, and return the one-time token with which its agent enrols it.
         *
         *     Again for a cluster whose agent has not come: the earlier token ends.
         */
        post: operations["createEnrolment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/enrol": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enrol with a one-time token
         * @description Exchange a one-time token for its cluster's token; that is in this answer and nowhere else.
         *
         *     A second use, and one by an agent of another cluster, are refused and stand as an alarm at the
         *     cluster until an administrator acknowledges it.
         */
        post: operations["enrol"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{name}/alarms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Acknowledge a cluster's alarms
         * @description Take the hub's alarms about a cluster for looked into; its agent's own problems stay.
         */
        delete: operations["acknowledgeAlarms"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List admission events, newest first
         * @description Return a page of the events that match all filters given, or of their groups.
         *
         *     `grouped`: what a controller tried again and again within an hour (same cluster, owner, images,
         *     rules and action) is one item `{event, count, firstAt, lastAt}`.
         */
        get: operations["listEvents"];
        put?: never;
        /**
         * Deliver admission events
         * @description Store those events that are new, all or none; they belong to the token's cluster.
         */
        post: operations["postEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/{event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show an admission event
         * @description Return one event; `cluster` tells apart events that share an id.
         */
        get: operations["getEvent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/tail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream admission events as they come (server-sent events)
         * @description Stream events in the order of arrival, from a cursor on, else from now.
         *
         *     Each message is named `admission`, its id is the cursor to resume after, its data an event.
         */
        get: operations["tailEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export admission events, newest first
         * @description Stream the events that match all filters given, as CSV or as JSON lines.
         *
         *     In CSV each image is a line, and a cell that a spreadsheet would compute begins with a quote.
         */
        get: operations["exportEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List registries by host
         * @description Return a page of the registries that images came from.
         */
        get: operations["listRegistries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/repositories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List repositories by registry and name
         * @description Return a page of the repositories, of one registry or of all.
         */
        get: operations["listRepositories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/advisories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the advisories that workers judge by
         * @description Return each ecosystem's advisories; where workers differ, the oldest of theirs.
         */
        get: operations["listAdvisories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the evidence keys that workers sign with
         * @description Return the public halves, last used first; clusters trust only what they configured.
         */
        get: operations["listKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the scan workers by name
         * @description Return each worker that was heard of, and when it last was.
         */
        get: operations["listWorkers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Tell how a scan worker is
         * @description Keep what a worker says of its registries, advisories and evidence key.
         */
        put: operations["putWorker"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/configured/{host}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a configured registry
         * @description Return a registry's settings, what its test said, and how looking through it goes.
         */
        get: operations["getRegistry"];
        /**
         * Configure a registry
         * @description Let workers contact a registry; one of them tests it at once.
         */
        put: operations["putRegistry"];
        post?: never;
        /**
         * Forget a registry
         * @description Forget a registry's settings and credentials; workers contact it no more.
         */
        delete: operations["deleteRegistry"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/configured/{host}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have a registry tested
         * @description Ask the workers for a test; `testing` is false again when its result is there.
         */
        post: operations["askForTest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sealing-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the keys that credentials are sealed by
         * @description Return the key of each worker that was heard of in the last five minutes.
         */
        get: operations["listSealingKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/registries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the registries that workers may contact
         * @description Return the registries, credentials sealed; 304: `generation` is the newest.
         */
        get: operations["listForWorkers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/turns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lease a registry
         * @description Return a registry that is to be tested or looked through; 204: none.
         *
         *     409: registry access is switched off.
         */
        post: operations["leaseTurn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/turns/{host}/observed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what a registry's tags name
         * @description Queue a scan for each digest that the hub does not know; extends the lease.
         *
         *     409: the lease is lost.
         */
        post: operations["postObserved"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/turns/{host}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a lease of a registry
         * @description Keep the test's result, or how the look ended.
         */
        post: operations["endTurn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/notifications/acr": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take events of Azure Container Registry
         * @description Queue a scan for each image that was pushed: the registry's webhook, or Event Grid.
         *
         *     Event Grid's question whether its events are wanted is answered with 200.
         */
        post: operations["postAcr"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take push notifications of a registry
         * @description Queue a scan for each image that was pushed, in Docker distribution's envelope.
         *
         *     What is no image's push is counted as skipped, never refused: a registry would repeat it.
         */
        post: operations["postNotification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/notifications/harbor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a webhook of Harbor
         * @description Queue a scan for each artifact that was pushed, in either of Harbor's payload formats.
         */
        post: operations["postHarbor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/scan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a scan
         * @description Queue a scan; the answer is the job that is queued for this digest already, if any.
         */
        post: operations["requestScan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List images, last pushed first
         * @description Return a page of the images that match all filters given.
         */
        get: operations["listImages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/scans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for scans of images that workloads name
         * @description Queue a scan of each image, before all others where a deployment waits for it.
         *
         *     An answer for each says whether one is queued, or why not: no worker contacts its registry, it
         *     failed lately, or the namespace has enough waiting. The cluster is that of the token.
         */
        post: operations["askForScans"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/heads/{fingerprint}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show where an evidence key's chain ends
         * @description Return the last batch of a key's chain, and what came since its newest snapshot.
         */
        get: operations["getFeedHead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/heads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the feed of each evidence key
         * @description Return how far the chain of each key has come.
         */
        get: operations["listFeedHeads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/batches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Append a batch to a chain
         * @description Append a batch if the chain still ends where it says; else return where it ends.
         */
        post: operations["appendBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Wait for what is new in the feed
         * @description Return batches and snapshots after a cursor, as soon as there are some.
         *
         *     `reset`: the cursor names nothing that is here; the newest snapshot of each key follows, and
         *     the batches after it. No news before the wait ends: the same cursor.
         */
        get: operations["followFeed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/turns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take the turn at a chain
         * @description Be the one worker that compacts or fills a key's chain, or stay it; 204: another one is.
         */
        post: operations["takeFeedTurn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/turns/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give the turn at a chain up
         * @description Let another worker have the turn.
         */
        post: operations["endFeedTurn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/known": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List reports that existed before a chain
         * @description Return the next reports to bring into a chain, and keep how far that has come.
         */
        post: operations["listKnownReports"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to upload a snapshot
         * @description Return where to put the parts; 409: the turn is lost, or the chain went another way.
         */
        post: operations["beginSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/snapshots/{snapshot_id}/parts/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Upload a part of a snapshot
         * @description Keep octets of a snapshot: part n begins at n times 4 MiB.
         */
        put: operations["putSnapshotPart"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/snapshots/{snapshot_id}/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Finish the upload of a snapshot
         * @description Serve a snapshot from now on; 409: parts are missing, or others than announced.
         */
        post: operations["finishSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/feed/snapshots/{snapshot_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Fetch a snapshot
         * @description Stream a snapshot's octets, from where `Range` says on (RFC 9110, section 14).
         */
        get: operations["getSnapshot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/lookup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show an image
         * @description Return one image, or one platform of an index, with what a worker found out about it.
         */
        get: operations["getImage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/findings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List an image's findings
         * @description Return a page of the findings in the newest statement, worst first.
         */
        get: operations["listFindings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what an image's findings rest on
         * @description Return who looked, by which advisories of which day, and what was not judged.
         */
        get: operations["getReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/packages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List an image's packages
         * @description Return a page of the packages that the last scan saw, by name.
         */
        get: operations["listPackages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/statement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show an image's findings statement
         * @description Return the in-toto statement about an image, byte for byte as it was signed.
         */
        get: operations["getStatement"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/lease": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lease a scan job
         * @description Return the most urgent job, for as long as its lease is extended; 204: none.
         *
         *     Images are matched again only by a worker whose advisories are the ones that count.
         *     409: registry access is switched off.
         */
        post: operations["leaseJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/progress": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Extend a lease
         * @description Let the lease last again as long as at its start; 409: it is lost.
         */
        post: operations["reportProgress"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/detail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Upload what a scan saw
         * @description Keep the details of the leased manifest or, after it, of a platform that it lists.
         */
        put: operations["putDetail"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver a scan's reports
         * @description Keep the reports of the leased digest; without any, it was no image and is forgotten.
         */
        post: operations["completeJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/fail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a job back
         * @description Queue the job again after a backoff, or keep it as failed.
         *
         *     Reports of the platforms that did not fail are kept beside those that there are.
         */
        post: operations["failJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List scan jobs, newest first
         * @description Return a page of jobs and the counts of all.
         */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a scan job
         * @description Return one job: whether it waits, is worked on, is done or has failed.
         */
        get: operations["getJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/{name}/advisories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Tell what a worker's advisories are
         * @description Take note of a worker's advisories; where they are fresher, packages are matched again.
         */
        put: operations["putAdvisories"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/advisories/packages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Tell what advisories say of packages
         * @description Keep it; images with packages of which it is new wait to be matched again.
         */
        put: operations["putPackages"];
        /**
         * Lease packages to match
         * @description Return a page of the packages that changed advisories name; 204: there are none now.
         */
        post: operations["leasePackages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/advisories/rematch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show how far matching by new advisories is
         * @description Return what was matched by the newest advisories, and what waits.
         */
        get: operations["getRematch"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/packages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take the packages of a job's image
         * @description Return the package lists of the leased image, as they were signed; none: scan it.
         */
        post: operations["takePackages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/findings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Upload what matching again said
         * @description Keep the statement about a platform of the leased image; its packages stay as they are.
         */
        put: operations["putFindings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reports/renewals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have reports made anew
         * @description Let images with reports of scans before an instant wait for new ones; asking again counts.
         */
        post: operations["renewReports"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tokens
         * @description Return a page of the tokens by name, without the secrets.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Make a token
         * @description Make a token; it is in this answer and nowhere else.
         */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a token
         * @description Revoke a token at once; the last administrator's stays.
         */
        delete: operations["deleteToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How to sign in
         * @description Return the ways in which people may sign in here.
         */
        get: operations["getAuth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the session
         * @description Return who is signed in, and what the page needs to change something.
         */
        get: operations["getSession"];
        put?: never;
        /**
         * Sign in
         * @description Open a session with a name and password, or with an API token of a person.
         *
         *     Its cookie comes with the answer; a session that the browser had before ends.
         */
        post: operations["createSession"];
        /**
         * Sign out
         * @description End the session at once, its streams included.
         */
        delete: operations["deleteSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change one's own password
         * @description Change the password; all sessions of the user end, and a new one begins here.
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/oidc/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sign in at the OpenID provider
         * @description Send the browser to the provider; `fresh` has even who is signed in there prove it anew.
         */
        get: operations["startOidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Come back from the OpenID provider
         * @description Open a session for who signed in and show the page that was asked for.
         *
         *     What fails shows the portal at `/?signInError=` denied, expired, role, disabled, unavailable,
         *     untrusted or limited.
         */
        get: operations["finishOidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List users by name
         * @description Return a page of the users, local ones and those of the provider.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Make a local user
         * @description Make a user; the initial password is in this answer and nowhere else.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change a user
         * @description Set role and name, or disable; it holds from the user's next request on.
         */
        put: operations["putUser"];
        post?: never;
        /**
         * Delete a user
         * @description Forget a user and end the sessions at once; the last local administrator stays.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reset a user's password
         * @description Give a user a new initial password and end the sessions at once.
         */
        post: operations["resetUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process lives
         * @description Answer, whatever the database does.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the hub can serve
         * @description Answer once the database does, and is of this version's schema or a newer one.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Prometheus metrics
         * @description Return the counters; only to this machine: they name clusters.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** AcrEventV1 */
        AcrEventV1: {
            /** @default  */
            id?: string;
            /** @default  */
            action?: string;
            target?: components["schemas"]["TargetV2"];
            request?: components["schemas"]["NotifiedRequestV2"];
            /** @default  */
            validationCode?: string;
            /** @default  */
            type?: string;
            /** @default  */
            eventType?: string;
            data?: components["schemas"]["AcrPushV1"] | null;
        };
        /** AcrPushV1 */
        AcrPushV1: {
            /** @default  */
            id?: string;
            /** @default  */
            action?: string;
            target?: components["schemas"]["TargetV2"];
            request?: components["schemas"]["NotifiedRequestV2"];
            /** @default  */
            validationCode?: string;
        };
        /**
         * Action
         * @description What a violation leads to.
         * @enum {string}
         */
        Action: "audit" | "deny";
        /** AdmissionEventV1 */
        AdmissionEventV1: {
            id: string;
            time: string;
            /** @enum {string} */
            action: "allow" | "audit" | "deny";
            kind: string;
            name: string;
            images: components["schemas"]["ImageRowV1"][];
            ownerUids?: string[];
            /** @default  */
            namespace?: string;
            /** @default  */
            cluster?: string;
            /** @default  */
            operation?: string;
            /** @default  */
            subresource?: string;
            /** @default  */
            user?: string;
            /** @default  */
            topOwner?: string;
            /**
             * @default api-server
             * @enum {string}
             */
            origin?: "api-server" | "direct" | "rejudged";
            /** @default  */
            objectUid?: string;
            owner?: components["schemas"]["OwnerV1"] | null;
            /** @default  */
            generation?: string;
            /** @default 0 */
            durationUs?: number;
        };
        /** AdvisoriesToldV1 */
        AdvisoriesToldV1: {
            state: string;
            rank: string;
            /** @default  */
            since?: string;
            names?: string[] | null;
        };
        /** AdvisorySourceV1 */
        AdvisorySourceV1: {
            ecosystem: string;
            source: string;
            records: number;
            updatedAt: string;
            /** @default  */
            importedAt?: string;
        };
        /** AlarmV1 */
        AlarmV1: {
            kind: string;
            message: string;
            since: string;
        };
        /** AlarmsV1 */
        AlarmsV1: {
            items: components["schemas"]["ClusterAlarmV1"][];
            /** @default 0 */
            total?: number;
            /** @default 0 */
            clusters?: number;
        };
        /** AuditEntryV1 */
        AuditEntryV1: {
            id: string;
            at: string;
            actor: string;
            role: string;
            action: string;
            target: string;
            before?: unknown;
            after?: unknown;
        };
        /** AuthV1 */
        AuthV1: {
            local: boolean;
            oidc?: components["schemas"]["ProviderV1"] | null;
        };
        /** BreakGlassV1 */
        BreakGlassV1: {
            name: string;
            namespace: string;
            digest: string;
            reason: string;
            since: string;
            until: string;
        };
        /** BucketV1 */
        BucketV1: {
            start: string;
            denied: number;
            audited: number;
            allowed: number;
            unscanned: number;
        };
        /** ChosenRuleV1 */
        ChosenRuleV1: {
            name: string;
            /** @default * */
            etag?: string;
        };
        /** CloudScopeV1 */
        CloudScopeV1: {
            providers?: ("azure" | "aws" | "gcp" | "on-premises")[];
            accounts?: string[];
            clusters?: string[];
            labels?: string[];
        };
        /** ClusterAlarmV1 */
        ClusterAlarmV1: {
            cluster: string;
            kind: string;
            message: string;
            since: string;
        };
        /** ClusterBreakGlassV1 */
        ClusterBreakGlassV1: {
            cluster: string;
            object: components["schemas"]["BreakGlassV1"];
        };
        /** ClusterEnrolV1 */
        ClusterEnrolV1: {
            name: string;
            /**
             * @default on-premises
             * @enum {string}
             */
            provider?: "azure" | "aws" | "gcp" | "on-premises";
            /** @default  */
            account?: string;
            labels?: {
                [key: string]: string;
            };
        };
        /** ClusterEnrolledV1 */
        ClusterEnrolledV1: {
            name: string;
            token: string;
        };
        /** ClusterPolicyV1 */
        ClusterPolicyV1: {
            generation: string;
            rules: components["schemas"]["RuleV1"][];
            evaluationMode: components["schemas"]["EvaluationMode"];
            /** @enum {string} */
            gating: "On" | "Off";
            editedAt: string;
        };
        /** ClusterProblemV1 */
        ClusterProblemV1: {
            name: string;
            problem: string;
        };
        /** ClusterV1 */
        ClusterV1: {
            name: string;
            /** @enum {string} */
            provider: "azure" | "aws" | "gcp" | "on-premises";
            account: string;
            labels: {
                [key: string]: string;
            };
            enrolledAt: string;
            /** @default  */
            lastSeenAt?: string;
            /** @default  */
            agentVersion?: string;
            /** @default  */
            policyGeneration?: string;
            /** @default  */
            wantedGeneration?: string;
            /**
             * @default On
             * @enum {string}
             */
            gating?: "On" | "Off";
            problems?: string[];
            protection?: components["schemas"]["ProtectionV1"] | null;
            /** @default  */
            feedAt?: string;
            feed?: components["schemas"]["hub_clusters_v1_ClusterFeedV1"][];
        };
        /** ConfigurationV1 */
        ConfigurationV1: {
            maxAllowedSeverities?: components["schemas"]["MaxAllowedSeveritiesV1"];
            /** @default false */
            blockUnscannedImages?: boolean;
            onStale?: components["schemas"]["Disposition"];
            onUnavailable?: components["schemas"]["Disposition"];
            /** @default 365d */
            maximumVaFileAge?: string;
            forbiddenCves?: string[];
            ignoredCves?: string[];
            exemptions?: components["schemas"]["ExemptionV1"][];
            unsupportedRegistries?: string[];
        };
        /** ConnectionV1 */
        ConnectionV1: {
            /** @default  */
            url?: string;
            /** @default false */
            allowPrivate?: boolean;
            /** @default  */
            ca?: string;
            tokenRealms?: string[];
            redirectHosts?: string[];
            aliases?: string[];
        };
        /** CountsV1 */
        CountsV1: {
            /** @default 0 */
            critical?: number;
            /** @default 0 */
            high?: number;
            /** @default 0 */
            medium?: number;
            /** @default 0 */
            low?: number;
            /** @default 0 */
            unknown?: number;
        };
        /** CoveredV1 */
        CoveredV1: {
            ecosystem: string;
            packageCount: number;
            /** @default  */
            source?: string;
            /** @default  */
            sourceUpdatedAt?: string;
        };
        /** DetailUploadV1 */
        DetailUploadV1: {
            lease: string;
            digest: string;
            mediaType: string;
            manifest: string;
            /** @default  */
            platform?: string;
            config?: components["schemas"]["ImageConfigV1"] | null;
            /** @default  */
            statement?: string;
            packages?: components["schemas"]["PackageV1"][];
            /** @default  */
            packageList?: string;
            /** @default  */
            packageListSignature?: string;
            opinions?: components["schemas"]["OpinionV1"][];
            /** @default  */
            advisoriesState?: string;
            referrers?: components["schemas"]["ReferrerV1"][];
        };
        /**
         * Disposition
         * @description Whether a state of evidence is a violation.
         * @default violate
         * @enum {string}
         */
        Disposition: "violate" | "ignore";
        /** DistinctPackageV1 */
        DistinctPackageV1: {
            id: number;
            name: string;
            version: string;
            ecosystem: string;
            /** @default  */
            module?: string;
        };
        /** EnrolV1 */
        EnrolV1: {
            token: string;
            agentVersion: string;
            /** @default  */
            cluster?: string;
        };
        /** EnrolmentV1 */
        EnrolmentV1: {
            name: string;
            token: string;
            expiresAt: string;
        };
        /**
         * EvaluationMode
         * @description Which of several matching rules decide.
         * @default FirstMatch
         * @enum {string}
         */
        EvaluationMode: "FirstMatch" | "Strictest";
        /** EventBatchResultV1 */
        EventBatchResultV1: {
            stored: number;
            duplicates: number;
        };
        /** EventBatchV1 */
        EventBatchV1: {
            events: components["schemas"]["AdmissionEventV1"][];
            /** @default 0 */
            dropped?: number;
        };
        /** EventGridValidationV1 */
        EventGridValidationV1: {
            validationResponse: string;
        };
        /** EventGroupV1 */
        EventGroupV1: {
            event: components["schemas"]["AdmissionEventV1"];
            count: number;
            firstAt: string;
            lastAt: string;
        };
        /** EvidenceKeyV1 */
        EvidenceKeyV1: {
            name: string;
            fingerprint: string;
            publicKey: string;
            lastUsedAt: string;
        };
        /** ExemptionMarkV1 */
        ExemptionMarkV1: {
            rule: string;
            /** @default  */
            endDate?: string;
            /** @default  */
            reason?: string;
            /** @default  */
            addedBy?: string;
        };
        /** ExemptionV1 */
        ExemptionV1: {
            /** @enum {string} */
            type: "timeBased" | "permanent";
            value: string;
            matcherType?: components["schemas"]["ResourceMatcher"];
            timeBound?: components["schemas"]["TimeBoundV1"];
            /** @default  */
            reason?: string;
            /** @default  */
            addedBy?: string;
        };
        /** ExpiringExemptionV1 */
        ExpiringExemptionV1: {
            rule: string;
            /** @enum {string} */
            kind: "vulnerability" | "resource";
            value: string;
            endDate: string;
            reason: string;
        };
        /** FeedAppendV1 */
        FeedAppendV1: {
            fingerprint: string;
            chain: string;
            epoch: number;
            previous: string;
            digest: string;
            rows: number;
            envelope: string;
            /** @default  */
            replaces?: string;
        };
        /** FeedAppendedV1 */
        FeedAppendedV1: {
            appended: boolean;
            head?: components["schemas"]["FeedHeadV1"] | null;
        };
        /** FeedBatchV1 */
        FeedBatchV1: {
            fingerprint: string;
            chain: string;
            epoch: number;
            envelope: string;
        };
        /** FeedEndV1 */
        FeedEndV1: {
            fingerprint: string;
            chain: string;
            epoch: number;
        };
        /** FeedHeadV1 */
        FeedHeadV1: {
            /** @default 0 */
            epoch?: number;
            /** @default  */
            chain?: string;
            /** @default  */
            digest?: string;
            /** @default  */
            envelope?: string;
            /** @default 0 */
            rowsSinceSnapshot?: number;
            /** @default 0 */
            bytesSinceSnapshot?: number;
            snapshot?: components["schemas"]["FeedSnapshotV1"] | null;
            /** @default false */
            isFilled?: boolean;
        };
        /** FeedKnownReportV1 */
        FeedKnownReportV1: {
            registry: string;
            repository: string;
            image: string;
            digest: string;
            artifact: string;
        };
        /** FeedKnownRequestV1 */
        FeedKnownRequestV1: {
            fingerprint: string;
            lease: string;
            /** @default 0 */
            done?: number;
        };
        /** FeedKnownV1 */
        FeedKnownV1: {
            upto: number;
            reports?: components["schemas"]["FeedKnownReportV1"][];
        };
        /** FeedPageV1 */
        FeedPageV1: {
            cursor: string;
            /** @default false */
            reset?: boolean;
            /** @default false */
            more?: boolean;
            snapshots?: components["schemas"]["FeedSnapshotV1"][];
            batches?: components["schemas"]["FeedBatchV1"][];
        };
        /** FeedSnapshotV1 */
        FeedSnapshotV1: {
            id: string;
            fingerprint: string;
            chain: string;
            epoch: number;
            size: number;
            sha256: string;
            envelope: string;
        };
        /** FeedStatusV1 */
        FeedStatusV1: {
            fingerprint: string;
            chain: string;
            epoch: number;
            updatedAt: string;
            rowsSinceSnapshot: number;
            bytesSinceSnapshot: number;
            isFilled: boolean;
            /** @default 0 */
            snapshotEpoch?: number;
            /** @default 0 */
            snapshotSize?: number;
            /** @default  */
            snapshotAt?: string;
        };
        /** FeedTurnRequestV1 */
        FeedTurnRequestV1: {
            fingerprint: string;
            worker: string;
            /** @default  */
            lease?: string;
        };
        /** FeedTurnV1 */
        FeedTurnV1: {
            lease: string;
            leaseExpiresAt: string;
        };
        /** FeedUploadBegunV1 */
        FeedUploadBegunV1: {
            id: string;
        };
        /** FeedUploadV1 */
        FeedUploadV1: {
            fingerprint: string;
            lease: string;
            chain: string;
            epoch: number;
            size: number;
            sha256: string;
            envelope: string;
        };
        /** FindingDetailV1 */
        FindingDetailV1: {
            id: string;
            /** @enum {string} */
            severity: "critical" | "high" | "medium" | "low" | "unknown";
            package: string;
            name: string;
            version: string;
            /** @default  */
            fixedVersion?: string;
            aliases?: string[];
            cweIds?: string[];
            locations?: components["schemas"]["LocationV1"][];
            references?: string[];
            ratings?: components["schemas"]["RatingV1"][];
            notAffected?: components["schemas"]["VexMarkV1"][];
            exempted?: components["schemas"]["ExemptionMarkV1"][];
        };
        /** FindingV1 */
        FindingV1: {
            id: string;
            severity: string;
            package: string;
            name: string;
            version: string;
            /** @default  */
            fixedVersion?: string;
            aliases?: string[];
            exemptedBy?: string[];
            clearedBy?: string[];
        };
        /** FindingsUploadV1 */
        FindingsUploadV1: {
            lease: string;
            digest: string;
            statement: string;
            opinions: components["schemas"]["OpinionV1"][];
            /** @default  */
            advisoriesState?: string;
            referrers?: components["schemas"]["ReferrerV1"][] | null;
            /** @default  */
            packageListSignature?: string;
        };
        /** GatingV1 */
        GatingV1: {
            /** @enum {string} */
            gating: "On" | "Off";
            /** @default  */
            password?: string;
        };
        /** HarborDataV1 */
        HarborDataV1: {
            resources?: components["schemas"]["HarborResourceV1"][];
            repository?: components["schemas"]["HarborRepositoryV1"];
        };
        /** HarborNotificationV1 */
        HarborNotificationV1: {
            type: string;
            /** @default 0 */
            occur_at?: number;
            event_data?: components["schemas"]["HarborDataV1"] | null;
            /** @default  */
            specversion?: string;
            /** @default  */
            id?: string;
            data?: components["schemas"]["HarborDataV1"] | null;
        };
        /** HarborRepositoryV1 */
        HarborRepositoryV1: {
            /** @default  */
            repo_full_name?: string;
        };
        /** HarborResourceV1 */
        HarborResourceV1: {
            /** @default  */
            digest?: string;
            /** @default  */
            tag?: string;
            /** @default  */
            resource_url?: string;
        };
        /** HeartbeatV1 */
        HeartbeatV1: {
            agentVersion: string;
            policyGeneration: string;
            problems?: string[];
            protection?: components["schemas"]["ProtectionV1"] | null;
            /** @default  */
            feedAt?: string;
            feed?: components["schemas"]["FeedEndV1"][];
        };
        /** ImageConfigV1 */
        ImageConfigV1: {
            /** @default  */
            created?: string;
            /** @default  */
            architecture?: string;
            /** @default  */
            os?: string;
            /** @default  */
            variant?: string;
            layers?: string[];
        };
        /** ImageDetailV1 */
        ImageDetailV1: {
            registry: string;
            repository: string;
            digest: string;
            tags: string[];
            pushedAt: string;
            /** @enum {string} */
            status: "queued" | "scanning" | "scanned" | "failed";
            /** @default  */
            error?: string;
            reports?: components["schemas"]["PlatformReportV1"][];
            /** @default  */
            mediaType?: string;
            /** @default 0 */
            size?: number;
            /** @default  */
            manifest?: string;
            config?: components["schemas"]["ImageConfigV1"] | null;
            platforms?: components["schemas"]["ImagePlatformV1"][];
            referrers?: components["schemas"]["ReferrerV1"][];
            scans?: components["schemas"]["ScanRecordV1"][];
        };
        /** ImagePlatformV1 */
        ImagePlatformV1: {
            platform: string;
            digest: string;
            report?: components["schemas"]["PlatformReportV1"] | null;
            config?: components["schemas"]["ImageConfigV1"] | null;
        };
        /** ImageReportV1 */
        ImageReportV1: {
            subject: string;
            scanner: string;
            scannerVersion: string;
            startedAt: string;
            finishedAt: string;
            /** @default  */
            packagesListedAt?: string;
            /** @default  */
            database?: string;
            /** @default  */
            databaseUpdatedAt?: string;
            origin?: components["schemas"]["OriginV1"] | null;
            ecosystems?: components["schemas"]["CoveredV1"][];
            notUnderstood?: string[];
        };
        /** ImageRowV1 */
        ImageRowV1: {
            image: string;
            fieldPath: string;
            /** @enum {string} */
            action: "allow" | "audit" | "deny";
            reason: string;
            message: string;
            /** @default  */
            container?: string;
            /** @default  */
            digest?: string;
            /** @default  */
            platform?: string;
            /** @default  */
            rule?: string;
            ruleConfiguration?: components["schemas"]["RuleV1"] | null;
            /** @default  */
            violation?: string;
            counts?: components["schemas"]["CountsV1"];
            /** @default  */
            evidence?: string;
            /** @default  */
            scannedAt?: string;
            /** @default  */
            evidenceSource?: string;
            /** @default  */
            evidenceAt?: string;
            findings?: components["schemas"]["FindingV1"][];
            /** @default 0 */
            findingsOmitted?: number;
            exempted?: components["schemas"]["FindingV1"][];
            /** @default 0 */
            exemptedOmitted?: number;
            notAffected?: components["schemas"]["FindingV1"][];
            /** @default 0 */
            notAffectedOmitted?: number;
            unverifiable?: string[];
            resourceExemptions?: string[];
            /** @default  */
            resolved?: string;
            admittedUnder?: string[];
            /** @default false */
            unanswered?: boolean;
        };
        /** ImageV1 */
        ImageV1: {
            registry: string;
            repository: string;
            digest: string;
            tags: string[];
            pushedAt: string;
            /** @enum {string} */
            status: "queued" | "scanning" | "scanned" | "failed";
            /** @default  */
            error?: string;
            reports?: components["schemas"]["PlatformReportV1"][];
        };
        /** ImportedRuleV1 */
        ImportedRuleV1: {
            name: string;
            /** @enum {string} */
            outcome: "create" | "update" | "unchanged" | "refused";
            /** @default  */
            problem?: string;
            warnings?: string[];
            /** @default  */
            etag?: string;
            before?: components["schemas"]["RuleV1"] | null;
            after?: components["schemas"]["RuleV1"] | null;
        };
        /** InventoryV1 */
        InventoryV1: {
            images: components["schemas"]["RunningImageV1"][];
        };
        /** JobFailureV1 */
        JobFailureV1: {
            lease: string;
            error: string;
            retry: boolean;
            /** @default false */
            rescan?: boolean;
            reports?: components["schemas"]["PlatformReportV1"][];
        };
        /** JobLeaseRequestV1 */
        JobLeaseRequestV1: {
            worker: string;
            /** @default 0 */
            waitS?: number;
            /** @default  */
            advisoriesState?: string;
        };
        /** JobPageV1 */
        JobPageV1: {
            items: components["schemas"]["JobRecordV1"][];
            counts: {
                [key: string]: number;
            };
            next?: string | null;
        };
        /** JobProgressV1 */
        JobProgressV1: {
            lease: string;
        };
        /** JobRecordV1 */
        JobRecordV1: {
            id: string;
            registry: string;
            repository: string;
            digest: string;
            /** @enum {string} */
            state: "queued" | "leased" | "done" | "failed";
            attempt: number;
            maxAttempts: number;
            requestedBy: string;
            createdAt: string;
            notBefore: string;
            /** @default  */
            leaseExpiresAt?: string;
            /** @default  */
            worker?: string;
            /** @default  */
            error?: string;
            /** @default  */
            finishedAt?: string;
            /**
             * @default scan
             * @enum {string}
             */
            kind?: "scan" | "rematch";
            /** @default 2 */
            priority?: number;
        };
        /** JobResultV1 */
        JobResultV1: {
            lease: string;
            reports: components["schemas"]["PlatformReportV1"][];
            /** @default  */
            notAttached?: string;
        };
        /** JobV1 */
        JobV1: {
            id: string;
            lease: string;
            registry: string;
            repository: string;
            digest: string;
            tags: string[];
            attach: boolean;
            attempt: number;
            leaseExpiresAt: string;
            /**
             * @default scan
             * @enum {string}
             */
            kind?: "scan" | "rematch";
            /** @default 0 */
            renewAfterS?: number;
        };
        /** LocationV1 */
        LocationV1: {
            path: string;
            /** @default  */
            layer?: string;
        };
        /**
         * MatcherType
         * @description What a scope entry looks at.
         * @enum {string}
         */
        MatcherType: "namespace" | "cluster" | "label" | "namespaceLabel" | "deployment" | "workload" | "pod" | "image" | "serviceAccount";
        /** MaxAllowedSeveritiesV1 */
        MaxAllowedSeveritiesV1: {
            critical?: number;
            high?: number;
            medium?: number;
            low?: number;
            unknown?: number;
        };
        /** NotificationResultV1 */
        NotificationResultV1: {
            queued: number;
            skipped: number;
        };
        /** NotificationV2 */
        NotificationV2: {
            events: components["schemas"]["NotifiedEventV2"][];
        };
        /** NotifiedEventV2 */
        NotifiedEventV2: {
            action: string;
            target: components["schemas"]["TargetV2"];
            request?: components["schemas"]["NotifiedRequestV2"];
            /** @default  */
            id?: string;
        };
        /** NotifiedRequestV2 */
        NotifiedRequestV2: {
            /** @default  */
            host?: string;
        };
        /** ObjectMetaV1 */
        ObjectMetaV1: {
            name: string;
            creationTimestamp?: string | null;
            generation?: number | null;
            resourceVersion?: string | null;
            uid?: string | null;
            annotations?: {
                [key: string]: string;
            };
            labels?: {
                [key: string]: string;
            };
        };
        /** ObservedResultV1 */
        ObservedResultV1: {
            queued: number;
        };
        /** ObservedTagV1 */
        ObservedTagV1: {
            repository: string;
            tag: string;
            digest: string;
        };
        /** ObservedV1 */
        ObservedV1: {
            lease: string;
            tags: components["schemas"]["ObservedTagV1"][];
            /** @default  */
            after?: string;
        };
        /**
         * Operator
         * @description In: any value matches. NotIn: none does.
         * @default In
         * @enum {string}
         */
        Operator: "In" | "NotIn";
        /** OpinionV1 */
        OpinionV1: {
            ecosystem: string;
            name: string;
            version: string;
            /** @default  */
            module?: string;
            /** @default  */
            said?: string;
        };
        /** OriginV1 */
        OriginV1: {
            format: string;
            digest: string;
            /** @default  */
            source?: string;
            /** @default  */
            artifact?: string;
        };
        /** OverviewV1 */
        OverviewV1: {
            hours: number;
            bucketS: number;
            buckets: components["schemas"]["BucketV1"][];
            topRules: components["schemas"]["TopRuleV1"][];
            riskiestImages: components["schemas"]["RiskyImageV1"][];
            expiringExemptions: components["schemas"]["ExpiringExemptionV1"][];
            clusters: components["schemas"]["ClusterProblemV1"][];
            feeds?: components["schemas"]["protection_v1_ClusterFeedV1"][];
            breakGlass?: components["schemas"]["ClusterBreakGlassV1"][];
            /** @default 0 */
            breakGlassCount?: number;
        };
        /** OwnerV1 */
        OwnerV1: {
            /** @default  */
            apiVersion?: string;
            /** @default  */
            kind?: string;
            /** @default  */
            name?: string;
            /** @default  */
            uid?: string;
        };
        /** PackageListsRequestV1 */
        PackageListsRequestV1: {
            lease: string;
        };
        /** PackageListsV1 */
        PackageListsV1: {
            lists: components["schemas"]["StoredListV1"][];
        };
        /** PackagePageV1 */
        PackagePageV1: {
            lease: string;
            packages: components["schemas"]["DistinctPackageV1"][];
        };
        /** PackageV1 */
        PackageV1: {
            purl: string;
            name: string;
            version: string;
            ecosystem: string;
            locations?: components["schemas"]["LocationV1"][];
            /** @default  */
            sourceName?: string;
            /** @default  */
            sourceVersion?: string;
            /** @default  */
            module?: string;
        };
        /** PageRequestV1 */
        PageRequestV1: {
            state: string;
        };
        /** PageResultV1 */
        PageResultV1: {
            lease: string;
            said: components["schemas"]["SaidV1"][];
        };
        /** Page[AdmissionEventV1] */
        "Page_tidegate.wire.event_v1.AdmissionEventV1_": {
            items: components["schemas"]["AdmissionEventV1"][];
            next?: string | null;
        };
        /** Page[ClusterV1] */
        "Page_tidegate.wire.hub_clusters_v1.ClusterV1_": {
            items: components["schemas"]["ClusterV1"][];
            next?: string | null;
        };
        /** Page[EventGroupV1] */
        "Page_tidegate.wire.hub_data_v1.EventGroupV1_": {
            items: components["schemas"]["EventGroupV1"][];
            next?: string | null;
        };
        /** Page[FindingDetailV1] */
        "Page_tidegate.wire.hub_images_v1.FindingDetailV1_": {
            items: components["schemas"]["FindingDetailV1"][];
            next?: string | null;
        };
        /** Page[PackageV1] */
        "Page_tidegate.wire.hub_images_v1.PackageV1_": {
            items: components["schemas"]["PackageV1"][];
            next?: string | null;
        };
        /** Page[RegistryV1] */
        "Page_tidegate.wire.hub_images_v1.RegistryV1_": {
            items: components["schemas"]["RegistryV1"][];
            next?: string | null;
        };
        /** Page[RepositoryV1] */
        "Page_tidegate.wire.hub_images_v1.RepositoryV1_": {
            items: components["schemas"]["RepositoryV1"][];
            next?: string | null;
        };
        /** Page[ImageV1] */
        "Page_tidegate.wire.hub_jobs_v1.ImageV1_": {
            items: components["schemas"]["ImageV1"][];
            next?: string | null;
        };
        /** Page[AuditEntryV1] */
        "Page_tidegate.wire.hub_v1.AuditEntryV1_": {
            items: components["schemas"]["AuditEntryV1"][];
            next?: string | null;
        };
        /** Page[RuleRecordV1] */
        "Page_tidegate.wire.hub_v1.RuleRecordV1_": {
            items: components["schemas"]["RuleRecordV1"][];
            next?: string | null;
        };
        /** Page[TokenV1] */
        "Page_tidegate.wire.hub_v1.TokenV1_": {
            items: components["schemas"]["TokenV1"][];
            next?: string | null;
        };
        /** Page[AdvisorySourceV1] */
        "Page_tidegate.wire.hub_workers_v1.AdvisorySourceV1_": {
            items: components["schemas"]["AdvisorySourceV1"][];
            next?: string | null;
        };
        /** Page[EvidenceKeyV1] */
        "Page_tidegate.wire.hub_workers_v1.EvidenceKeyV1_": {
            items: components["schemas"]["EvidenceKeyV1"][];
            next?: string | null;
        };
        /** Page[WorkerV1] */
        "Page_tidegate.wire.hub_workers_v1.WorkerV1_": {
            items: components["schemas"]["WorkerV1"][];
            next?: string | null;
        };
        /** Page[SealingKeyV1] */
        "Page_tidegate.wire.registries_v1.SealingKeyV1_": {
            items: components["schemas"]["SealingKeyV1"][];
            next?: string | null;
        };
        /** Page[UserV1] */
        "Page_tidegate.wire.sign_in_v1.UserV1_": {
            items: components["schemas"]["UserV1"][];
            next?: string | null;
        };
        /** PasswordChangeV1 */
        PasswordChangeV1: {
            current: string;
            new: string;
        };
        /** PlatformReportV1 */
        PlatformReportV1: {
            digest: string;
            platform: string;
            scannedAt: string;
            scanner: string;
            counts: components["schemas"]["CountsV1"];
            complete: boolean;
            gaps?: string[];
            /** @default  */
            artifact?: string;
            /** @default  */
            attachedAt?: string;
        };
        /** PolicyObjectV1 */
        PolicyObjectV1: {
            /** @constant */
            apiVersion: "tidegate.io/v1alpha1";
            /** @constant */
            kind: "SecurityArtifactPolicy";
            metadata: components["schemas"]["ObjectMetaV1"];
            spec: components["schemas"]["SpecV1"];
        };
        /** PollStateV1 */
        PollStateV1: {
            /** @default  */
            lastStartedAt?: string;
            /** @default  */
            lastEndedAt?: string;
            /** @default  */
            lastCompleteAt?: string;
            /** @default  */
            nextAt?: string;
            /** @default  */
            worker?: string;
            /** @default 0 */
            tags?: number;
            /** @default 0 */
            found?: number;
            /** @default 0 */
            failures?: number;
            /** @default  */
            error?: string;
        };
        /** PollingV1 */
        PollingV1: {
            /** @default false */
            enabled?: boolean;
            /** @default 300 */
            intervalS?: number;
            repositories?: string[];
            /** @default 120 */
            requestsPerMinute?: number;
        };
        /** ProblemV1 */
        ProblemV1: {
            title: string;
            status: number;
            detail: string;
            /** @default about:blank */
            type?: string;
            /** @default  */
            field?: string;
        };
        /** ProtectionV1 */
        ProtectionV1: {
            /**
             * @default unknown
             * @enum {string}
             */
            webhook?: "as wanted" | "not as wanted" | "missing" | "not watched" | "unknown";
            /**
             * @default unknown
             * @enum {string}
             */
            canary?: "passing" | "failing" | "blocked" | "off" | "unknown";
            /** @default  */
            canaryPassedAt?: string;
            /**
             * @default off
             * @enum {string}
             */
            detection?: "on" | "late" | "off";
            unjudged?: {
                [key: string]: number;
            };
            unjudgedPods?: components["schemas"]["UnjudgedPodV1"][];
            /** @default 0 */
            failedOpen?: number;
            alarms?: components["schemas"]["AlarmV1"][];
            breakGlass?: components["schemas"]["BreakGlassV1"][] | null;
            /** @default 0 */
            breakGlassCount?: number;
            /**
             * @default unknown
             * @enum {string}
             */
            reAdmission?: "Enforce" | "Audit" | "Audit without an index" | "unknown";
        };
        /** ProviderV1 */
        ProviderV1: {
            name: string;
        };
        /** RatingV1 */
        RatingV1: {
            method: string;
            score: string;
            /** @default  */
            word?: string;
            /** @default  */
            cvssVersion?: string;
            /** @default false */
            leading?: boolean;
            /** @default  */
            source?: string;
        };
        /** ReferrerV1 */
        ReferrerV1: {
            digest: string;
            artifactType: string;
            /** @enum {string} */
            kind: "artifact" | "signature" | "other";
            /** @default 0 */
            size?: number;
            /** @default  */
            createdAt?: string;
            annotations?: {
                [key: string]: string;
            };
            verifiedBy?: string[];
            /** @default  */
            note?: string;
            /** @default  */
            manifest?: string;
            referrers?: components["schemas"]["ReferrerV1"][];
        };
        /** RegistryRecordV1 */
        RegistryRecordV1: {
            host: string;
            connection: components["schemas"]["ConnectionV1"];
            polling: components["schemas"]["PollingV1"];
            testRepository: string;
            credentialsFor: string[];
            updatedAt: string;
            updatedBy: string;
            /** @default false */
            testing?: boolean;
            test?: components["schemas"]["RegistryTestV1"] | null;
            poll?: components["schemas"]["PollStateV1"];
        };
        /** RegistryTestV1 */
        RegistryTestV1: {
            checkedAt: string;
            worker: string;
            reachable: boolean;
            /** @default  */
            error?: string;
            /**
             * @default
             * @enum {string}
             */
            referrers?: "" | "api" | "tag";
            /** @default false */
            catalogue?: boolean;
            /**
             * @default
             * @enum {string}
             */
            push?: "" | "yes" | "no";
            /**
             * @default
             * @enum {string}
             */
            delete?: "" | "yes" | "no";
        };
        /** RegistryV1 */
        RegistryV1: {
            host: string;
            repositoryCount: number;
            imageCount: number;
            /** @enum {string} */
            access: "On" | "Off" | "NotConfigured";
            configured?: components["schemas"]["RegistryRecordV1"] | null;
        };
        /** RegistryWriteV1 */
        RegistryWriteV1: {
            connection?: components["schemas"]["ConnectionV1"];
            polling?: components["schemas"]["PollingV1"];
            /** @default  */
            testRepository?: string;
            sealed?: components["schemas"]["SealedV1"][] | null;
        };
        /** RejudgementsV1 */
        RejudgementsV1: {
            verdicts: components["schemas"]["AdmissionEventV1"][];
        };
        /** RematchStatusV1 */
        RematchStatusV1: {
            state: string;
            startedAt: string;
            finishedAt: string;
            whole: boolean;
            packagesMatched: number;
            packagesChanged: number;
            imagesAffected: number;
            imagesDue: number;
            imagesToScan: number;
            imagesToAttach: number;
            imagesToRetry: number;
        };
        /** RenewalRequestV1 */
        RenewalRequestV1: {
            before: string;
        };
        /** RenewalV1 */
        RenewalV1: {
            reports: number;
            added: number;
        };
        /** RenewalsV1 */
        RenewalsV1: {
            cursor: number;
            images?: components["schemas"]["RenewedImageV1"][];
            /** @default false */
            everything?: boolean;
        };
        /** RenewedImageV1 */
        RenewedImageV1: {
            registry: string;
            repository: string;
            digests: string[];
        };
        /** RepositoryV1 */
        RepositoryV1: {
            registry: string;
            repository: string;
            tagCount: number;
            imageCount: number;
            lastPushedAt: string;
            worst: components["schemas"]["CountsV1"];
        };
        /**
         * ResourceMatcher
         * @description What a resource exemption looks at.
         * @enum {string}
         */
        ResourceMatcher: "registry" | "repository" | "imageDigest" | "deployment" | "namespace" | "pod";
        /** RiskyImageV1 */
        RiskyImageV1: {
            registry: string;
            repository: string;
            digest: string;
            tags: string[];
            counts: components["schemas"]["CountsV1"];
            runningIn: string[];
        };
        /** RuleApplyResultV1 */
        RuleApplyResultV1: {
            created: string[];
            updated: string[];
            unchanged: string[];
        };
        /** RuleApplyV1 */
        RuleApplyV1: {
            rules: components["schemas"]["RuleV1"][];
            evaluationMode?: components["schemas"]["EvaluationMode"] | null;
        };
        /** RuleImportResultV1 */
        RuleImportResultV1: {
            saved: boolean;
            rules: components["schemas"]["ImportedRuleV1"][];
            warnings?: string[];
            evaluationMode?: components["schemas"]["EvaluationMode"] | null;
        };
        /** RuleImportV1 */
        RuleImportV1: {
            content: string;
            /** @default false */
            dryRun?: boolean;
            chosen?: components["schemas"]["ChosenRuleV1"][] | null;
            evaluationMode?: components["schemas"]["EvaluationMode"] | null;
        };
        /** RuleMoveV1 */
        RuleMoveV1: {
            priority: number;
        };
        /** RuleOrderV1 */
        RuleOrderV1: {
            ids: string[];
        };
        /** RuleRecordV1 */
        RuleRecordV1: {
            id: string;
            priority: number;
            rule: components["schemas"]["RuleV1"];
            cloudScope: components["schemas"]["CloudScopeV1"];
            isDefault: boolean;
            updatedAt: string;
            updatedBy: string;
            etag: string;
            warnings?: string[];
        };
        /** RuleV1 */
        RuleV1: {
            name: string;
            action: components["schemas"]["Action"];
            configuration: components["schemas"]["ConfigurationV1"];
            /** @default true */
            enabled?: boolean;
            /** @default  */
            description?: string;
            /** @default  */
            scopeName?: string;
            scope?: components["schemas"]["ScopeEntryV1"][];
        };
        /** RuleWriteV1 */
        RuleWriteV1: {
            rule: components["schemas"]["RuleV1"];
            cloudScope?: components["schemas"]["CloudScopeV1"];
        };
        /** RunningImageV1 */
        RunningImageV1: {
            image: string;
            /** @default  */
            digest?: string;
            /** @default 1 */
            pods?: number;
            namespaces?: string[];
        };
        /** SaidV1 */
        SaidV1: {
            id: number;
            /** @default  */
            said?: string;
        };
        /** ScanRecordV1 */
        ScanRecordV1: {
            scannedAt: string;
            scanner: string;
            platform: string;
            digest: string;
            counts: components["schemas"]["CountsV1"];
            complete: boolean;
            /** @default  */
            artifact?: string;
        };
        /** ScanRequestV1 */
        ScanRequestV1: {
            registry: string;
            repository: string;
            digest: string;
            tags?: string[];
            /** @default true */
            attach?: boolean;
        };
        /** ScopeEntryV1 */
        ScopeEntryV1: {
            matcherType: components["schemas"]["MatcherType"];
            anyOf: string[];
            operator?: components["schemas"]["Operator"];
        };
        /** SealedV1 */
        SealedV1: {
            key: string;
            ciphertext: string;
        };
        /** SealingKeyV1 */
        SealingKeyV1: {
            worker: string;
            publicKey: string;
        };
        /** SessionV1 */
        SessionV1: {
            user: components["schemas"]["SignedInUserV1"];
            csrfToken: string;
        };
        /** SettingsV1 */
        SettingsV1: {
            evaluationMode: components["schemas"]["EvaluationMode"];
            /**
             * @default On
             * @enum {string}
             */
            securityFindings?: "On" | "Off";
            /**
             * @default On
             * @enum {string}
             */
            registryAccess?: "On" | "Off";
            /**
             * @default On
             * @enum {string}
             */
            securityGating?: "On" | "Off";
        };
        /** SettingsWriteV1 */
        SettingsWriteV1: {
            evaluationMode: components["schemas"]["EvaluationMode"];
            /**
             * @default On
             * @enum {string}
             */
            securityFindings?: "On" | "Off";
            /**
             * @default On
             * @enum {string}
             */
            registryAccess?: "On" | "Off";
            /**
             * @default On
             * @enum {string}
             */
            securityGating?: "On" | "Off";
            /** @default  */
            password?: string;
        };
        /** SignInV1 */
        SignInV1: {
            /** @default  */
            username?: string;
            /** @default  */
            password?: string;
            /** @default  */
            token?: string;
        };
        /** SignedInUserV1 */
        SignedInUserV1: {
            name: string;
            displayName: string;
            /** @enum {string} */
            role: "admin" | "reader";
            mustChangePassword: boolean;
        };
        /** SpecV1 */
        SpecV1: {
            vulnerabilityAssessmentGatedDeployment: components["schemas"]["RuleV1"][];
            policyLastEditTime?: string;
            /** @default 1000 */
            priority?: number;
            evaluationMode?: components["schemas"]["EvaluationMode"];
            /**
             * @default On
             * @enum {string}
             */
            gating?: "On" | "Off";
            reAdmission?: "Enforce" | "Audit";
        };
        /** StandingV1 */
        StandingV1: {
            /** @enum {string} */
            standing: "current" | "superseded";
        };
        /** StoredListV1 */
        StoredListV1: {
            digest: string;
            body: string;
            signature: string;
            /** @default  */
            artifact?: string;
        };
        /** TargetV2 */
        TargetV2: {
            /** @default  */
            mediaType?: string;
            /** @default  */
            digest?: string;
            /** @default  */
            repository?: string;
            /** @default  */
            tag?: string;
        };
        /** TimeBoundV1 */
        TimeBoundV1: {
            endDate: string;
        };
        /** TokenCreateV1 */
        TokenCreateV1: {
            name: string;
            /** @enum {string} */
            role: "admin" | "reader" | "scanner" | "registry";
        };
        /** TokenCreatedV1 */
        TokenCreatedV1: {
            id: string;
            name: string;
            token: string;
        };
        /** TokenV1 */
        TokenV1: {
            id: string;
            name: string;
            /** @enum {string} */
            role: "admin" | "reader" | "scanner" | "registry" | "cluster";
            createdAt: string;
            /** @default  */
            cluster?: string;
        };
        /** TopRuleV1 */
        TopRuleV1: {
            rule: string;
            denied: number;
            audited: number;
        };
        /** TurnEndV1 */
        TurnEndV1: {
            lease: string;
            test?: components["schemas"]["RegistryTestV1"] | null;
            /** @default  */
            error?: string;
            /** @default true */
            complete?: boolean;
            /** @default 0 */
            retryAfterS?: number;
        };
        /** TurnRequestV1 */
        TurnRequestV1: {
            worker: string;
            hosts: string[];
            generation: string;
        };
        /** TurnV1 */
        TurnV1: {
            host: string;
            /** @enum {string} */
            kind: "test" | "poll";
            lease: string;
            leaseExpiresAt: string;
            polling: components["schemas"]["PollingV1"];
            testRepository: string;
            /** @default  */
            after?: string;
        };
        /** UnjudgedPodV1 */
        UnjudgedPodV1: {
            namespace: string;
            name: string;
            /** @enum {string} */
            why: "failed-open" | "not-watched" | "not-recorded" | "excluded-namespace" | "static-pod" | "before-webhook";
            createdAt: string;
            images?: string[];
        };
        /** UserCreateV1 */
        UserCreateV1: {
            name: string;
            /** @enum {string} */
            role: "admin" | "reader";
            /** @default  */
            displayName?: string;
        };
        /** UserPasswordV1 */
        UserPasswordV1: {
            user: components["schemas"]["UserV1"];
            password: string;
        };
        /** UserV1 */
        UserV1: {
            name: string;
            displayName: string;
            /** @enum {string} */
            role: "admin" | "reader";
            /** @enum {string} */
            source: "local" | "oidc";
            enabled: boolean;
            mustChangePassword: boolean;
            createdAt: string;
            /** @default  */
            lastSignInAt?: string;
        };
        /** UserWriteV1 */
        UserWriteV1: {
            /** @enum {string} */
            role: "admin" | "reader";
            /** @default  */
            displayName?: string;
            /** @default true */
            enabled?: boolean;
        };
        /** VexMarkV1 */
        VexMarkV1: {
            /** @enum {string} */
            status: "not_affected" | "fixed";
            justification: string;
            author: string;
            source: string;
            /** @default  */
            saidAt?: string;
            /** @default  */
            detail?: string;
        };
        /** WantedImageV1 */
        WantedImageV1: {
            registry: string;
            repository: string;
            digest: string;
            waiting: boolean;
        };
        /** WantedResultV1 */
        WantedResultV1: {
            /** @enum {string} */
            state: "queued" | "scanned" | "refused";
            /** @default  */
            detail?: string;
        };
        /** WantedScansResultV1 */
        WantedScansResultV1: {
            results: components["schemas"]["WantedResultV1"][];
        };
        /** WantedScansV1 */
        WantedScansV1: {
            namespace: string;
            images: components["schemas"]["WantedImageV1"][];
        };
        /** WorkerHeartbeatV1 */
        WorkerHeartbeatV1: {
            version: string;
            keyFingerprint: string;
            publicKey: string;
            /** @default  */
            keyUsedAt?: string;
            /** @default  */
            sealingKey?: string;
            registries?: string[];
            advisories?: components["schemas"]["AdvisorySourceV1"][];
        };
        /** WorkerRegistriesV1 */
        WorkerRegistriesV1: {
            generation: string;
            registries: components["schemas"]["WorkerRegistryV1"][];
        };
        /** WorkerRegistryV1 */
        WorkerRegistryV1: {
            host: string;
            connection: components["schemas"]["ConnectionV1"];
            polling: components["schemas"]["PollingV1"];
            sealed: components["schemas"]["SealedV1"][];
        };
        /** WorkerV1 */
        WorkerV1: {
            name: string;
            lastSeenAt: string;
            version: string;
            keyFingerprint: string;
            registries: string[];
            /** @default  */
            sealingFingerprint?: string;
            /** @default false */
            present?: boolean;
        };
        /** ClusterFeedV1 */
        hub_clusters_v1_ClusterFeedV1: {
            fingerprint: string;
            chain: string;
            epoch: number;
            /** @enum {string} */
            standing: "same" | "behind" | "ahead" | "other-chain" | "unknown-key";
            /** @default 0 */
            missing?: number;
        };
        /** ClusterFeedV1 */
        protection_v1_ClusterFeedV1: {
            cluster: string;
            /** @default  */
            feedAt?: string;
            /** @default  */
            lastSeenAt?: string;
            /** @default false */
            old?: boolean;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listRules: {
        parameters: {
            query?: {
                /** @description Part of a name, description or scope name. */
                search?: string;
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_v1.RuleRecordV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    createRule: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleWriteV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    replaceRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description `etag` of the rule as you read it, or `*`. */
                "If-Match"?: string;
            };
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleWriteV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Failed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Required */
            428: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    deleteRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description `etag` of the rule as you read it, or `*`. */
                "If-Match"?: string;
            };
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Failed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Required */
            428: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    enableRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    disableRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    moveRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleMoveV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    duplicateRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    applyRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleApplyV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleApplyResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    exportRules: {
        parameters: {
            query?: {
                format?: "json";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyObjectV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getOrder: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleOrderV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putOrder: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETag of the order as you read it, or `*`. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleOrderV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleOrderV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Failed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Required */
            428: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    importRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleImportV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleImportResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Precondition Failed */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsWriteV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description Who made the change. */
                actor?: string;
                /** @description Like `rule.update`. */
                action?: string;
                /** @description Target of the change, `rule/4f28…`, or its kind: `rule`. */
                object?: string;
                /** @description Part of who, what or target, or of what was there before and after. */
                search?: string;
                /** @description RFC 3339. */
                since?: string;
                /** @description RFC 3339. */
                until?: string;
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_v1.AuditEntryV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getAuditEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                entry_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEntryV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getOverview: {
        parameters: {
            query?: {
                /** @description How far to look back. */
                hours?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OverviewV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listClusters: {
        parameters: {
            query?: {
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_clusters_v1.ClusterV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    enrolCluster: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClusterEnrolV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterEnrolledV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listAlarms: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlarmsV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getCluster: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    deleteCluster: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putGating: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GatingV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postHeartbeat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HeartbeatV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getPolicy: {
        parameters: {
            query?: {
                /** @description The one in force; empty: answer at once. */
                generation?: string;
                /** @description Seconds to wait. */
                wait_s?: number;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterPolicyV1"] | null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postInventory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InventoryV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getRenewals: {
        parameters: {
            query?: {
                /** @description The cursor of the last answer; -1: none yet. */
                after?: number;
                /** @description Seconds to wait. */
                wait_s?: number;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RenewalsV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postRejudgements: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RejudgementsV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventBatchResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    createEnrolment: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClusterEnrolV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolmentV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    enrol: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EnrolV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterEnrolledV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    acknowledgeAlarms: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                action?: "" | "allow" | "audit" | "deny";
                cluster?: string;
                namespace?: string;
                rule?: string;
                image?: string;
                search?: string;
                kind?: string;
                user?: string;
                reason?: string;
                origin?: "" | "api-server" | "direct" | "rejudged";
                /** @description RFC 3339. */
                since?: string;
                /** @description RFC 3339. */
                until?: string;
                /** @description Retries as one item. */
                grouped?: boolean;
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.event_v1.AdmissionEventV1_"] | components["schemas"]["Page_tidegate.wire.hub_data_v1.EventGroupV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postEvents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventBatchV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventBatchResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getEvent: {
        parameters: {
            query?: {
                cluster?: string;
            };
            header?: never;
            path: {
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdmissionEventV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    tailEvents: {
        parameters: {
            query?: {
                action?: "" | "allow" | "audit" | "deny";
                cluster?: string;
                namespace?: string;
                rule?: string;
                image?: string;
                search?: string;
                kind?: string;
                user?: string;
                reason?: string;
                origin?: "" | "api-server" | "direct" | "rejudged";
                /** @description `next` of the page before; empty: the first one. */
                after?: string;
            };
            header?: {
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    exportEvents: {
        parameters: {
            query?: {
                action?: "" | "allow" | "audit" | "deny";
                cluster?: string;
                namespace?: string;
                rule?: string;
                image?: string;
                search?: string;
                kind?: string;
                user?: string;
                reason?: string;
                origin?: "" | "api-server" | "direct" | "rejudged";
                /** @description RFC 3339. */
                since?: string;
                /** @description RFC 3339. */
                until?: string;
                format?: "csv" | "jsonl";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Stream Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                    "application/jsonl": string;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listRegistries: {
        parameters: {
            query?: {
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_images_v1.RegistryV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listRepositories: {
        parameters: {
            query?: {
                registry?: string;
                search?: string;
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_images_v1.RepositoryV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listAdvisories: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_workers_v1.AdvisorySourceV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_workers_v1.EvidenceKeyV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listWorkers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_workers_v1.WorkerV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putWorker: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WorkerHeartbeatV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getRegistry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                host: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistryRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putRegistry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                host: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegistryWriteV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistryRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    deleteRegistry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                host: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    askForTest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                host: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request accepted, processing continues off-line */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistryRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listSealingKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.registries_v1.SealingKeyV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listForWorkers: {
        parameters: {
            query?: {
                /** @description The one held; empty: answer at once. */
                generation?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerRegistriesV1"] | null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    leaseTurn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TurnRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TurnV1"] | null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postObserved: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                host: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ObservedV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObservedResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    endTurn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                host: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TurnEndV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postAcr: {
        parameters: {
            query?: {
                /** @description What the registry is called in image references, whatever its events say. */
                registry?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcrEventV1"] | components["schemas"]["AcrEventV1"][];
            };
        };
        responses: {
            /** @description Request accepted, processing continues off-line */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationResultV1"] | components["schemas"]["EventGridValidationV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postNotification: {
        parameters: {
            query?: {
                /** @description What the registry is called in image references, whatever its events say. */
                registry?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NotificationV2"];
            };
        };
        responses: {
            /** @description Request accepted, processing continues off-line */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    postHarbor: {
        parameters: {
            query?: {
                /** @description What the registry is called in image references, whatever its events say. */
                registry?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HarborNotificationV1"];
            };
        };
        responses: {
            /** @description Request accepted, processing continues off-line */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    requestScan: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ScanRequestV1"];
            };
        };
        responses: {
            /** @description Request accepted, processing continues off-line */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listImages: {
        parameters: {
            query?: {
                registry?: string;
                repository?: string;
                status?: "" | "queued" | "scanning" | "scanned" | "failed";
                tag?: string;
                search?: string;
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_jobs_v1.ImageV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    askForScans: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WantedScansV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WantedScansResultV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getFeedHead: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedHeadV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listFeedHeads: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedStatusV1"][];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    appendBatch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedAppendV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedAppendedV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    followFeed: {
        parameters: {
            query?: {
                /** @description `cursor` of the answer before; empty: begin. */
                after?: string;
                /** @description Seconds to wait. */
                wait?: number;
                /** @description Of this evidence key alone; empty: of all. */
                fingerprint?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedPageV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    takeFeedTurn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedTurnRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedTurnV1"] | null;
                };
            };
            /** @description Another worker has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    endFeedTurn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedTurnRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listKnownReports: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedKnownRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedKnownV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    beginSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedUploadV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedUploadBegunV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putSnapshotPart: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                snapshot_id: string;
                number: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    finishSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                snapshot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getSnapshot: {
        parameters: {
            query?: never;
            header?: {
                Range?: string;
                "If-Range"?: string;
            };
            path: {
                snapshot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Stream Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description The range that was asked for, as octets. */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Requested Range Not Satisfiable */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getImage: {
        parameters: {
            query: {
                registry: string;
                repository: string;
                digest: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageDetailV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listFindings: {
        parameters: {
            query: {
                registry: string;
                repository: string;
                digest: string;
                /** @description Digest of one of its platforms; empty: the image itself, of an index the first platform. */
                platform?: string;
                search?: string;
                severity?: "" | "critical" | "high" | "medium" | "low" | "unknown";
                /** @description true: with a fixed version; false: without. */
                fixed?: boolean | null;
                /** @description Order of the findings. */
                sort?: "severity" | "id" | "package";
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_images_v1.FindingDetailV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getReport: {
        parameters: {
            query: {
                registry: string;
                repository: string;
                digest: string;
                /** @description Digest of one of its platforms; empty: the image itself, of an index the first platform. */
                platform?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageReportV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listPackages: {
        parameters: {
            query: {
                registry: string;
                repository: string;
                digest: string;
                /** @description Digest of one of its platforms; empty: the image itself, of an index the first platform. */
                platform?: string;
                search?: string;
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_images_v1.PackageV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getStatement: {
        parameters: {
            query: {
                registry: string;
                repository: string;
                digest: string;
                /** @description Digest of one of its platforms; empty: the image itself, of an index the first platform. */
                platform?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.in-toto+json": string;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    leaseJob: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobLeaseRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobV1"] | null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    reportProgress: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobProgressV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putDetail: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DetailUploadV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    completeJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobResultV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    failJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobFailureV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listJobs: {
        parameters: {
            query?: {
                state?: "" | "queued" | "leased" | "done" | "failed";
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPageV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobRecordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putAdvisories: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AdvisoriesToldV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StandingV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putPackages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PageResultV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    leasePackages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PageRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackagePageV1"] | null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getRematch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RematchStatusV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    takePackages: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PackageListsRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackageListsV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putFindings: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FindingsUploadV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    renewReports: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RenewalRequestV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RenewalV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.hub_v1.TokenV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenCreateV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenCreatedV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    deleteToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getAuth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    deleteSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChangeV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    startOidc: {
        parameters: {
            query?: {
                /** @description Path of the page to show. */
                next?: string;
                fresh?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Object moved temporarily -- see URI list */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    finishOidc: {
        parameters: {
            query?: {
                code?: string;
                state?: string;
                iss?: string;
                error?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Object moved temporarily -- see URI list */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": null;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    listUsers: {
        parameters: {
            query?: {
                /** @description `next` of the page before; empty: the first one. */
                cursor?: string;
                /** @description Items on a page. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_tidegate.wire.sign_in_v1.UserV1_"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserCreateV1"];
            };
        };
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPasswordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    putUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserWriteV1"];
            };
        };
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, nothing follows */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    resetUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Document created, URL follows */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPasswordV1"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemV1"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Request fulfilled, document follows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
}
