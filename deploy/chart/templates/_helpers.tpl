{{- define "studio.name" -}}
{{ ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "studio.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "studio.labels" -}}
{{ include "studio.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "studio.secret" -}}
{{ required "existingSecret is required: a Secret with SECRET_KEY, DATABASE_URL and the rest, see values.yaml" .Values.existingSecret }}
{{- end }}

{{- define "studio.host" -}}
{{ required "host is required: the name that people type, such as studio.example.com" .Values.host }}
{{- end }}

{{- define "studio.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "studio.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* What every process is told. The chart's own variables come last, so that `config` can't contradict the probes. */}}
{{- define "studio.env" -}}
{{- $own := dict
  "SITE_URL" (printf "https://%s" (include "studio.host" .))
  "ALLOWED_HOSTS" (include "studio.host" .)
  "TRUSTED_PROXIES" (toString .Values.trustedProxies)
  "METRICS_PORT" "9100"
  "WEB_CONCURRENCY" (toString .Values.web.processes) }}
{{- range $name, $value := mergeOverwrite (deepCopy .Values.config) $own }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* A pod of one process: (dict "root" $ "component" "web" "command" (list …) "scratch" "1Gi" "resources" …) */}}
{{- define "studio.pod" -}}
metadata:
  labels:
    {{- include "studio.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  {{- with .root.Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ .serviceAccount | default (include "studio.serviceAccount" .root) }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace | default 40 }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .root.Values.podSecurityContext | nindent 4 }}
  {{- with .checkCommand }}
  initContainers:
    - name: check
      image: "{{ $.root.Values.image.repository }}:{{ $.root.Values.image.tag | default $.root.Chart.AppVersion }}"
      imagePullPolicy: {{ $.root.Values.image.pullPolicy }}
      args:
        {{- toYaml . | nindent 8 }}
      env:
        {{- include "studio.env" $.root | trim | nindent 8 }}
      envFrom:
        - secretRef:
            name: {{ include "studio.secret" $.root }}
      securityContext:
        {{- toYaml $.root.Values.securityContext | nindent 8 }}
      resources:
        {{- toYaml $.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
  {{- end }}
  containers:
    - name: {{ .component }}
      image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        {{- toYaml .command | nindent 8 }}
      env:
        {{- include "studio.env" .root | trim | nindent 8 }}
        {{- if eq .component "web" }}
        - name: PROMETHEUS_MULTIPROC_DIR
          value: /run/metrics
        {{- end }}
      envFrom:
        - secretRef:
            name: {{ include "studio.secret" .root }}
      securityContext:
        {{- toYaml .root.Values.securityContext | nindent 8 }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      {{- with .probes }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if has .component (list "worker" "cron") }}
      ports:
        - { name: metrics, containerPort: 9100 }
      {{- end }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if eq .component "web" }}
        - name: metrics
          mountPath: /run/metrics
        {{- end }}
        {{- if .claim }}
        - name: backups
          mountPath: /backups
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: {{ .scratch }}
    {{- if eq .component "web" }}
    - name: metrics # what the processes of the pod count together
      emptyDir: { medium: Memory, sizeLimit: 64Mi }
    {{- end }}
    {{- with .claim }}
    - name: backups
      persistentVolumeClaim: { claimName: {{ . }} }
    {{- end }}
  {{- if eq .component "web" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "studio.selector" .root | nindent 10 }}
          app.kubernetes.io/component: web
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "studio.metadata" -}}
name: {{ include "studio.name" .root }}-{{ .component }}
labels:
  {{- include "studio.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
{{- end }}
