module tidegate.example/bench/go_echo

go 1.19
