function __metrics_inspect_families
    set -l words (commandline -opc)
    # Without the command: what stands before it may name the segment.
    $words[1] (string match -rv -- '^(get|why)$' $words[2..]) dump 2>/dev/null |
        string replace -rf '^[a-z]+ ([a-zA-Z_:][a-zA-Z0-9_:]*): .*' '$1'
end

set -l commands top ls slots dropped space why dump verify get diff snapshot prune expose
complete -c metrics-inspect -f
complete -c metrics-inspect -s h -l help -d 'Print the commands and options'
complete -c metrics-inspect -l segment -r -F -d 'Path of the segment'
complete -c metrics-inspect -l json -d 'Print JSON'
complete -c metrics-inspect -l version -d 'Print the version'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a top -d 'A live view'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a ls -d 'Segments, and how full they are'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a slots -d 'The owner of each slot'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a dropped -d 'What was dropped or refused'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a space -d 'What each family takes'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a why -d 'Why a name is missing'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a dump -d 'Families, series, merged values'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a get -d 'The samples of a name'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a verify -d 'Check every offset and count'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a diff -d 'What has changed'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a snapshot -d 'Copy the segment'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a prune -d 'Segments that nobody uses'
complete -c metrics-inspect -n "not __fish_seen_subcommand_from $commands" -a expose -d 'What a scrape would show'
complete -c metrics-inspect -n "__fish_seen_subcommand_from ls" -l series -d 'Count families and series, too'
complete -c metrics-inspect -n "__fish_seen_subcommand_from dump get" -l per-slot -d 'Show each slot by itself'
complete -c metrics-inspect -n "__fish_seen_subcommand_from get" -l rate -d 'What is gained in a second'
complete -c metrics-inspect -n "__fish_seen_subcommand_from get" -l watch -d 'Again after each interval'
complete -c metrics-inspect -n "__fish_seen_subcommand_from top get diff" -l interval -x -d 'Seconds'
complete -c metrics-inspect -n "__fish_seen_subcommand_from top get" -l count -x -d 'End after so many intervals'
complete -c metrics-inspect -n "__fish_seen_subcommand_from top diff" -l filter -x -d 'Which names'
complete -c metrics-inspect -n "__fish_seen_subcommand_from diff" -l buckets -d 'Show the buckets of histograms, too'
complete -c metrics-inspect -n "__fish_seen_subcommand_from top" -l sort -x -a 'name value rate avg10 avg100 p50 p99' -d 'By which column'
complete -c metrics-inspect -n "__fish_seen_subcommand_from top" -l page -x -a 'series workers space' -d 'What to show'
complete -c metrics-inspect -n "__fish_seen_subcommand_from prune" -l yes -d 'Remove them'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l format -x -a 'text openmetrics protobuf' -d 'The format'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l escaping -x -a 'underscores allow-utf-8 dots values' -d 'Of names that are not legacy ones'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l created-lines -d 'Show when series began to count'
complete -c metrics-inspect -n "__fish_seen_subcommand_from expose" -l own-metrics -d "Show the aggregator's own metrics, too"
complete -c metrics-inspect -n "__fish_seen_subcommand_from get why" -a '(__metrics_inspect_families)'
complete -c metrics-inspect -n "__fish_seen_subcommand_from diff snapshot" -F
