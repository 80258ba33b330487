{{/* Names are fixed: webhook, kinds and accounts are of the whole cluster, so there is one release. */}}
{{- define "tidegate.labels" -}}
app.kubernetes.io/name: tidegate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "tidegate.selector" -}}
app.kubernetes.io/name: tidegate
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* What the generator made of the code, see hack/chart.py. */}}
{{- define "tidegate.generated" -}}
{{ .Files.Get "files/generated.yaml" }}
{{- end }}

{{- define "tidegate.image" -}}
{{- $image := index .root.Values.image .part -}}
{{- $name := printf "%s/%s" (.root.Values.image.registry | trimSuffix "/") $image.repository -}}
{{- if $image.digest }}{{ $name }}@{{ $image.digest }}{{ else }}{{ $name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The same for every pod: nobody is root. */}}
{{- define "tidegate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tidegate.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods may run, from the part's values. */}}
{{- define "tidegate.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "tidegate.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tidegate.spread" -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "tidegate.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{/* URL of the hub for the agent; empty: none. */}}
{{- define "tidegate.agentHub" -}}
{{- if .Values.agent.hub.url }}{{ .Values.agent.hub.url }}{{ else if .Values.hub.enabled }}http://tidegate-hub.{{ .Release.Namespace }}.svc:8080{{ end }}
{{- end }}

{{- define "tidegate.workerHub" -}}
{{- if .Values.worker.hubUrl }}{{ .Values.worker.hubUrl }}{{ else if .Values.hub.enabled }}http://tidegate-hub.{{ .Release.Namespace }}.svc:8080{{ end }}
{{- end }}

{{/* Pull secrets that the gate may read: those of trust.registries and trust.pullSecrets. */}}
{{- define "tidegate.pullSecretNames" -}}
{{- $names := .Values.trust.pullSecrets -}}
{{- range .Values.trust.registries }}{{ with .pullSecret }}{{ $names = append $names . }}{{ end }}{{ end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end }}

{{/* A mounted Secret of credentials for each name. */}}
{{- define "tidegate.credentialVolumes" -}}
{{- range . }}
- name: registry-{{ . | sha256sum | trunc 10 }}
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- define "tidegate.credentialMounts" -}}
{{- range . }}
- {name: registry-{{ . | sha256sum | trunc 10 }}, mountPath: /var/run/registries/{{ . }}, readOnly: true}
{{- end }}
{{- end }}

{{/* A container that imports one source of advisories into a worker's index. */}}
{{- define "tidegate.import" -}}
- name: advisories-{{ .index }}
  image: {{ include "tidegate.image" (dict "root" .root "part" "worker") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  {{- if .tolerant }}
  # Its exit code is let go: with the source away a worker starts all the same, with what it had. What
  # its advisories do not cover makes its reports incomplete, never clean.
  args: [-c, "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])", -m, tidegate.cli, advisories, import, {{ .source | quote }}]
  {{- else }}
  args: [-m, tidegate.cli, advisories, import, {{ .source | quote }}]
  {{- end }}
  env:
  - {name: TIDEGATE_DATA_DIR, value: /var/lib/tidegate}
  resources: {{- toYaml .root.Values.worker.resources | nindent 4 }}
  securityContext: {{- include "tidegate.containerSecurity" .root | nindent 4 }}
  volumeMounts:
  - {name: data, mountPath: /var/lib/tidegate}
  - {name: tmp, mountPath: /tmp}
{{- end }}
