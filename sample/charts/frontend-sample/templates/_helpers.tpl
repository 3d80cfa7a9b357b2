{{- define "frontend-sample.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "frontend-sample.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "frontend-sample.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* A Deployment's selector is immutable: nothing that changes between releases belongs here. */}}
{{- define "frontend-sample.selectorLabels" -}}
app.kubernetes.io/name: {{ include "frontend-sample.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "frontend-sample.labels" -}}
helm.sh/chart: {{ include "frontend-sample.chart" . }}
{{ include "frontend-sample.selectorLabels" . }}
app.kubernetes.io/version: {{ include "frontend-sample.version" . | quote }}
app.kubernetes.io/component: frontend
app.kubernetes.io/part-of: hosting
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Of the release, and not of its Service or Deployment: another name. */}}
{{- define "frontend-sample.preflightLabels" -}}
helm.sh/chart: {{ include "frontend-sample.chart" . }}
app.kubernetes.io/name: {{ include "frontend-sample.name" . }}-preflight
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: hosting
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What runs, not the fallback; in the characters that a label may have. */}}
{{- define "frontend-sample.version" -}}
{{- $version := .Values.image.digest | default .Values.image.tag | default .Chart.AppVersion -}}
{{- regexReplaceAll "[^A-Za-z0-9._-]" $version "-" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{- define "frontend-sample.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "frontend-sample.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "frontend-sample.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}
