function __metrics_inspect_families
    set -l words (commandline -opc)
    # Without the command `get`: what stands before it may name the segment.
    $words[1] (string match -v -- get $words[2..]) dump 2>/dev/null |
        string replace -rf '^[a-z]+ ([a-zA-Z_:][a-zA-Z0-9_:]*): .*' '$1'
end

set -l commands ls slots dropped dump get verify expose
complete -c metrics-inspect -f
complete -c metrics-inspect -s h -l help -d 'Print the commands and options'
complete -c metrics-inspect -l segment -r -F -d 'Path of the segment'
complete -c metrics-inspect -l json -d 'Print JSON'
complete -c metrics-inspect -l version -d 'Print the version'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a ls -d 'Segments, and how full they are'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a slots -d 'The owner of each slot'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a dropped -d 'What was dropped or refused'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a dump -d 'Families, series, merged values'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a get -d 'The samples of a name'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a verify -d 'Check every offset and count'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a expose -d 'What a scrape would show'
complete -c metrics-inspect -n "__fish_seen_subcommand_from dump" -l per-slot -d 'Show each slot by itself'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l format -x -a 'text openmetrics protobuf' -d 'The format'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l escaping -x -a 'underscores allow-utf-8 dots values' -d 'Of names that are not legacy ones'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l created-lines -d 'Show when series began to count'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l own-metrics -d "Show the aggregator's own metrics, too"
complete -c metrics-inspect -n "__fish_seen_subcommand_from get" -a '(__metrics_inspect_families)'
