// Command netcheck answers HTTP with its host name, and asks others by HTTP and DNS, so that tests can see Pod traffic.
//
//	netcheck [serve [:8080]]   serve /, /get?url=URL and /resolve?name=NAME
//	netcheck get URL           print what URL answers
//	netcheck resolve NAME      print the addresses of NAME, one a line
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const patience = 5 * time.Second

func get(url string) (string, error) {
	client := http.Client{Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", url, response.Status, body)
	}
	return string(body), err
}

func resolve(name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	return strings.Join(addresses, "\n") + "\n", err
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, text)
}

func serve(address string) error {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		name, err := os.Hostname()
		answer(w, name+"\n", err)
	})
	http.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		text, err := get(r.FormValue("url"))
		answer(w, text, err)
	})
	http.HandleFunc("/resolve", func(w http.ResponseWriter, r *http.Request) {
		text, err := resolve(r.FormValue("name"))
		answer(w, text, err)
	})
	return http.ListenAndServe(address, nil)
}

func run(arguments []string) (string, error) {
	switch {
	case len(arguments) == 0:
		return "", serve(":8080")
	case arguments[0] == "serve" && len(arguments) == 1:
		return "", serve(":8080")
	case arguments[0] == "serve" && len(arguments) == 2:
		return "", serve(arguments[1])
	case arguments[0] == "get" && len(arguments) == 2:
		return get(arguments[1])
	case arguments[0] == "resolve" && len(arguments) == 2:
		return resolve(arguments[1])
	}
	return "", fmt.Errorf("usage: netcheck [serve [ADDRESS] | get URL | resolve NAME]")
}

func main() {
	text, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(text)
}
