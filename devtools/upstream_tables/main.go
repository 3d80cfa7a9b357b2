// Answer questions about pull secrets and image references as the kubelet does.
//
// Every line of standard input is a JSON object with one of `secrets` and `reference`; every line
// of standard output is the answer.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
)

type secret struct {
	Type string `json:"type"`
	Data string `json:"data"` // base64 of the value of the type's own key
}

type question struct {
	Servers   []string `json:"servers"`
	Secrets   []secret `json:"secrets"`
	Image     string   `json:"image"`
	Reference *string  `json:"reference"`
}

type login struct {
	Username string `json:"username"`
	Password string `json:"password"` // base64, as it may be no text
}

type answer struct {
	Error      string  `json:"error,omitempty"`
	Logins     []login `json:"logins,omitempty"`
	Order      []int   `json:"order,omitempty"`
	Repository string  `json:"repository,omitempty"`
	Tag        string  `json:"tag,omitempty"`
	Digest     string  `json:"digest,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	written := json.NewEncoder(os.Stdout)
	written.SetEscapeHTML(false)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := written.Encode(reply(asked)); err != nil {
			panic(err)
		}
	}
}

func reply(asked question) answer {
	switch {
	case asked.Reference != nil:
		return parsed(*asked.Reference)
	case asked.Servers != nil:
		return ordered(asked.Servers, asked.Image)
	}
	return matched(asked.Secrets, asked.Image)
}

// The indexes of the servers whose credentials the kubelet tries, in its order.
func ordered(servers []string, image string) answer {
	keyring := &credentialprovider.BasicDockerKeyring{}
	for at, server := range servers {
		entry := credentialprovider.DockerConfigEntry{Username: strconv.Itoa(at)}
		keyring.Add(nil, credentialprovider.DockerConfig{server: entry})
	}
	found, _ := keyring.Lookup(image)
	order := []int{}
	for _, config := range found {
		at, _ := strconv.Atoi(config.Username)
		order = append(order, at)
	}
	return answer{Order: order}
}

func matched(given []secret, image string) answer {
	var all []v1.Secret
	for _, one := range given {
		data, err := base64.StdEncoding.DecodeString(one.Data)
		if err != nil {
			panic(err)
		}
		key := v1.DockerConfigJsonKey
		if one.Type == string(v1.SecretTypeDockercfg) {
			key = v1.DockerConfigKey
		}
		all = append(all, v1.Secret{Type: v1.SecretType(one.Type), Data: map[string][]byte{key: data}})
	}
	keyring, err := secrets.MakeDockerKeyring(all, &credentialprovider.BasicDockerKeyring{})
	if err != nil {
		return answer{Error: err.Error()}
	}
	found, _ := keyring.Lookup(image)
	logins := []login{}
	for _, config := range found {
		password := base64.StdEncoding.EncodeToString([]byte(config.Password))
		logins = append(logins, login{config.Username, password})
	}
	return answer{Logins: logins}
}

func parsed(text string) answer {
	repository, tag, digest, err := parsers.ParseImageName(text)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Repository: repository, Tag: tag, Digest: digest}
}
