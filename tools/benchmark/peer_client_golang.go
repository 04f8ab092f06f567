// peer_client_golang.go -- the same with client_golang. The protocol is player.h's.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

const many = 64
const observationCount = 1024

var bounds18 = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100}
var state uint64 = 42
var observations [observationCount]float64

func nextRandom(state *uint64) uint64 {
	*state = *state*6364136223846793005 + 1442695040888963407
	return *state >> 11
}

// As catalogue.h's.
func catalogue() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	bucketValue := func(b int) float64 {
		if b == 0 {
			return bounds18[0] / 3
		}
		return bounds18[b-1] * 1.1
	}
	series := 0
	for i := 0; i < 39; i++ {
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "engine_node_execute_part_time_" + strconv.Itoa(i), Help: "time spent on one part of a node",
			Buckets: bounds18}, []string{"type", "hostname"})
		registry.MustRegister(vec)
		count := 1
		if i < 23 {
			count = 3
		}
		for k := 0; k < count; k++ {
			h := vec.WithLabelValues("ServiceActivity"+strconv.Itoa(k), "worker-7d9f5b6c8-x2x4z")
			for b := 0; b <= len(bounds18); b++ {
				for n := 0; n < 1+(series*13+b*31)%97; n++ {
					h.Observe(bucketValue(b))
				}
			}
			series++
		}
	}
	return registry
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("error", err)
		return
	}
	http.Handle("/metrics", promhttp.HandlerFor(catalogue(), promhttp.HandlerOpts{}))
	if len(os.Args) > 3 { // a certificate and its key
		go http.ServeTLS(listener, nil, os.Args[2], os.Args[3])
	} else {
		go http.Serve(listener, nil)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// As growing.h's: so many counters, and a tenth as many histograms.
func manySeries(counters int) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."},
		[]string{"route"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Time.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route"})
	registry.MustRegister(requests, seconds)
	for i := 0; i < counters; i++ {
		requests.WithLabelValues(fmt.Sprintf("/api/v1/orders/%05x", i)).Add(float64(i % 1000))
	}
	for i := 0; i < counters/10; i++ {
		histogram := seconds.WithLabelValues(fmt.Sprintf("/api/v1/orders/%05x", i))
		for k := 0; k < 20; k++ {
			histogram.Observe(.003 * float64(k))
		}
	}
	return registry
}

func scrape(registry *prometheus.Registry, to io.Writer) {
	families, _ := registry.Gather()
	encoder := expfmt.NewEncoder(to, expfmt.FmtText)
	for _, family := range families {
		encoder.Encode(family)
	}
}

func anonymousBytes() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "RssAnon:" {
			kilobytes, _ := strconv.ParseFloat(fields[1], 64)
			return kilobytes * 1024
		}
	}
	return 0
}

// Prints the bytes of memory that so many series and three scrapes of them have left.
func remember(counters int) {
	before := anonymousBytes()
	registry := manySeries(counters)
	for i := 0; i < 3; i++ {
		var body bytes.Buffer
		scrape(registry, &body)
	}
	fmt.Println(anonymousBytes() - before)
	runtime.KeepAlive(registry)
}

// Returns the CPU time of all threads, the garbage collector's too: these scrapes take long enough for it to count.
func cpuTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// Returns a measurement of so many series, by its name; nil if that is another one's.
func ofManySeries(name string) func(uint64) float64 {
	what, counters, _ := strings.Cut(name, "-")
	if n, err := strconv.Atoi(counters); err == nil && what == "steady" {
		registry := manySeries(n)
		return func(count uint64) float64 {
			begin := cpuTime()
			for i := uint64(0); i < count; i++ {
				scrape(registry, io.Discard)
			}
			return float64(cpuTime() - begin)
		}
	}
	if what == "memory" {
		return func(count uint64) float64 {
			told, _ := exec.Command(os.Args[0], "remember", counters).Output()
			bytes, _ := strconv.ParseFloat(strings.TrimSpace(string(told)), 64)
			return bytes * float64(count)
		}
	}
	return nil
}

func timed(work func(count uint64)) func(uint64) float64 {
	return func(count uint64) float64 {
		work(count/8 + 1)
		begin := time.Now()
		work(count)
		return float64(time.Since(begin))
	}
}

func twice(work func(count uint64)) func(uint64) float64 {
	return func(count uint64) float64 {
		runtime.GOMAXPROCS(2)
		defer runtime.GOMAXPROCS(1)
		var group sync.WaitGroup
		group.Add(2)
		begin := time.Now()
		for i := 0; i < 2; i++ {
			go func() { work(count); group.Done() }()
		}
		group.Wait()
		return float64(time.Since(begin))
	}
}

func main() {
	if len(os.Args) >= 2 && os.Args[1] == "serve" {
		serve()
		return
	}
	runtime.GOMAXPROCS(1)
	if len(os.Args) == 3 && os.Args[1] == "remember" {
		counters, _ := strconv.Atoi(os.Args[2])
		remember(counters)
		return
	}
	for i := range observations {
		observations[i] = 0.001 * math.Pow(10, 5*float64(nextRandom(&state))/(1<<53))
	}
	counters := [many]prometheus.Counter{}
	gauges := [many]prometheus.Gauge{}
	counterVec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bench_total"}, []string{"n"})
	gaugeVec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "bench_size"}, []string{"n"})
	for i := range counters {
		counters[i] = counterVec.WithLabelValues(strconv.Itoa(i))
		gauges[i] = gaugeVec.WithLabelValues(strconv.Itoa(i))
	}
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "bench_seconds", Buckets: bounds18})
	labelled := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "labelled_seconds", Buckets: bounds18},
		[]string{"type", "hostname"})
	types := [3]string{"ServiceActivity0-and-what-it-is", "ServiceActivity1-and-what-it-is", "ServiceActivity2-and-what-it-is"}
	incOne := func(count uint64) {
		for i := uint64(0); i < count; i++ {
			counters[0].Inc()
		}
	}
	observe := func(count uint64) {
		for i := uint64(0); i < count; i++ {
			histogram.Observe(observations[i%observationCount])
		}
	}
	registry := catalogue()
	measurements := map[string]func(uint64) float64{
		"inc": timed(func(count uint64) {
			for i := uint64(0); i < count; i++ {
				counters[i%many].Inc()
			}
		}),
		"add": timed(func(count uint64) {
			for i := uint64(0); i < count; i++ {
				counters[i%many].Add(0.5)
			}
		}),
		"set": timed(func(count uint64) {
			for i := uint64(0); i < count; i++ {
				gauges[i%many].Set(float64(i))
			}
		}),
		"observe18": timed(observe),
		"timer": timed(func(count uint64) {
			for i := uint64(0); i < count; i++ {
				prometheus.NewTimer(histogram).ObserveDuration()
			}
		}),
		"lookup": timed(func(count uint64) {
			for i := uint64(0); i < count; i++ {
				labelled.WithLabelValues(types[i%3], "worker-7d9f5b").Observe(observations[i%observationCount])
			}
		}),
		"inc-2-threads":       twice(incOne),
		"observe18-2-threads": twice(observe),
		"scrape-1": timed(func(count uint64) {
			for i := uint64(0); i < count; i++ {
				scrape(registry, io.Discard)
			}
		}),
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		words := strings.Fields(input.Text())
		count, _ := strconv.ParseUint(words[1], 10, 64)
		if _, found := measurements[words[0]]; !found {
			measurements[words[0]] = ofManySeries(words[0])
		}
		if measure := measurements[words[0]]; measure != nil {
			fmt.Println(measure(count))
		} else {
			fmt.Println("error no such measurement")
		}
	}
}
